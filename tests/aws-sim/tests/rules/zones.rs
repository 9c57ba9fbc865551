//! Hosted zones: what is listed, when a change has arrived, how often Route 53 may be called.

use aws_sdk_route53::types::ChangeAction::Upsert;
use aws_sdk_route53::types::{ChangeStatus, RrType};
use serde_json::json;

use crate::support::records::{ID, ZONE, accepted, at, change, multivalue, refused, zone, zone_with};
use crate::support::{NEVER, eventually, refusal};

#[tokio::test]
async fn a_change_is_pending_and_then_insync() {
    let (world, client) = zone_with(|settings| settings.insync_ms = NEVER).await;
    let made = accepted(&client, vec![(Upsert, multivalue(&at("a"), "one"))]).await;
    assert_eq!(made.status, ChangeStatus::Pending);
    assert!(made.id.starts_with("/change/C"), "{}", made.id);
    let status = || async {
        let found = client.get_change().id(&made.id).send().await.unwrap();
        found.change_info.unwrap().status
    };
    assert_eq!(status().await, ChangeStatus::Pending);
    world.admin("/settings", json!({"insync_ms": 50})).await;
    eventually("INSYNC", || async { status().await == ChangeStatus::Insync }).await;
    refusal(client.get_change().id("C0").send().await).is("NoSuchChange", 404);
}

#[tokio::test]
async fn a_change_while_another_is_pending_is_prior_request_not_complete_if_switched_on() {
    let (world, client) = zone_with(|settings| settings.insync_ms = NEVER).await;
    let one = || vec![(Upsert, multivalue(&at("a"), "one"))];
    accepted(&client, one()).await;
    accepted(&client, one()).await;
    world.admin("/settings", json!({"one_zone_change": true})).await;
    refused(&client, one())
        .await
        .is("PriorRequestNotComplete", 400)
        .says("still processing a prior request");
    world.admin("/settings", json!({"insync_ms": 0})).await;
    accepted(&client, one()).await;
}

#[tokio::test]
async fn the_sixth_call_in_a_second_is_throttled_if_switched_on() {
    let (_world, client) = zone_with(|settings| settings.zone_calls_per_second = 5).await;
    let list = || client.list_resource_record_sets().hosted_zone_id(ID).send();
    for _ in 0..5 {
        list().await.unwrap();
    }
    refusal(list().await).is("Throttling", 400).says("Rate exceeded");
    refused(&client, vec![(Upsert, multivalue(&at("a"), "one"))])
        .await
        .is("Throttling", 400);
    eventually("another call", || async { list().await.is_ok() }).await;
}

#[tokio::test]
async fn lists_are_paged_in_the_order_of_reversed_names() {
    let (_world, client) = zone().await;
    let names = ["b.a", "a", "a-z", "az", "*.a"].map(at);
    let sets = names.iter().map(|name| (Upsert, multivalue(name, "one")));
    let again = [(Upsert, multivalue(&at("a"), "two"))];
    accepted(&client, sets.chain(again).collect()).await;
    let (mut all, mut pages) = (Vec::new(), 0);
    let mut call = client.list_resource_record_sets().hosted_zone_id(ID).max_items(3);
    loop {
        let page = call.clone().send().await.unwrap();
        assert!(page.resource_record_sets.len() <= 3);
        all.extend(page.resource_record_sets);
        pages += 1;
        assert_eq!(page.is_truncated, page.next_record_name.is_some());
        let Some(next) = page.next_record_name else { break };
        call = call
            .start_record_name(next)
            .set_start_record_type(page.next_record_type)
            .set_start_record_identifier(page.next_record_identifier);
    }
    let shown = all
        .iter()
        .map(|set| format!("{} {}", set.name, set.set_identifier().unwrap_or(set.r#type.as_str())));
    let expected = [
        format!("{ZONE}. NS"),
        format!("{ZONE}. SOA"),
        format!("{}. one", at("a-z")),
        format!("{}. one", at("a")),
        format!("{}. two", at("a")),
        format!("{}. one", at("\\052.a")),
        format!("{}. one", at("b.a")),
        format!("{}. one", at("az")),
    ];
    assert_eq!((shown.collect::<Vec<_>>(), pages), (expected.to_vec(), 3));
    let from = client.list_resource_record_sets().hosted_zone_id(ID);
    let from = from
        .start_record_name(at("a0"))
        .start_record_type(RrType::A)
        .max_items(1);
    assert_eq!(
        from.send().await.unwrap().resource_record_sets[0].name,
        format!("{}.", at("az"))
    );
}

#[tokio::test]
async fn a_zone_is_made_and_seen_by_the_admin_endpoint() {
    let (world, client) = zone().await;
    world
        .admin("/hosted-zone", json!({"id": "Z1", "name": "other.test"}))
        .await;
    let set = multivalue("a.other.test", "one");
    change(&client, "Z1", vec![(Upsert, set.clone())]).await.unwrap();
    let changed = change(&client, ID, vec![(Upsert, set)]).await;
    refusal(changed).is("InvalidChangeBatch", 400);
    let state = world.admin_get("/state").await;
    let seen = &state["hosted_zones"][1];
    assert_eq!(seen["name"], "other.test.");
    let sets = seen["record_sets"].as_array().unwrap();
    let expected = json!({
        "name": "a.other.test.", "type": "TXT", "set_identifier": "one", "ttl": 30, "values": ["\"one\""],
    });
    assert!(sets.contains(&expected), "{sets:?}");
}
