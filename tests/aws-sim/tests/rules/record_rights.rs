//! Rights to a hosted zone, by name, type and action: the policy that operators are told to use.

use aws_sdk_route53::Client;
use aws_sdk_route53::types::ChangeAction::{Create, Delete, Upsert};
use aws_sdk_route53::types::RrType;
use serde_json::json;

use crate::support::records::{ID, ZONE, accepted, at, change, client, multivalue, refused, simple, zone_with};
use crate::support::{Refusal, World, refusal};

const SHIPPED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../docs/aws/certificate-issuer-policy.json"
);

async fn under_the_shipped_policy() -> (World, Client) {
    let key = format!("issuer:secret:@{SHIPPED}").parse().unwrap();
    let (world, _) = zone_with(|settings| settings.access_keys.push(key)).await;
    let client = client(&world.running, "issuer", "secret");
    (world, client)
}

fn denied(refusal: &Refusal) {
    refusal
        .is("AccessDenied", 403)
        .says("not authorized to perform: route53:ChangeResourceRecordSets on resource: arn:aws:route53:::hostedzone/");
}

#[tokio::test]
async fn texts_below_the_zone_are_written_listed_and_awaited() {
    let (_world, client) = under_the_shipped_policy().await;
    let one = || multivalue(&at("A"), "one");
    let made = accepted(&client, vec![(Upsert, one())]).await;
    client.get_change().id(made.id).send().await.unwrap();
    accepted(&client, vec![(Delete, one())]).await;
    let list = |zone: &str| client.list_resource_record_sets().hosted_zone_id(zone).send();
    list(ID).await.unwrap();
    refusal(list("ZOTHER").await)
        .is("AccessDenied", 403)
        .says("route53:ListResourceRecordSets");
}

#[tokio::test]
async fn another_name_another_type_another_action_and_another_zone_are_denied() {
    let (world, client) = under_the_shipped_policy().await;
    let one = multivalue(&at("a"), "one");
    denied(&refused(&client, vec![(Upsert, multivalue(ZONE, "one"))]).await);
    denied(
        &refused(
            &client,
            vec![(Upsert, one.clone()), (Upsert, multivalue("b.test", "one"))],
        )
        .await,
    );
    denied(&refused(&client, vec![(Create, one.clone())]).await);
    let mut alias = simple(&at("a"), &["www.example.com"]);
    alias.r#type = RrType::Cname;
    denied(&refused(&client, vec![(Upsert, alias)]).await);
    world.admin("/hosted-zone", json!({"id": "ZOTHER", "name": ZONE})).await;
    denied(&refusal(change(&client, "ZOTHER", vec![(Upsert, one)]).await));
}
