//! Changes of record sets in Route 53.

use aws_sdk_route53::types::ChangeAction::{Create, Delete, Upsert};
use aws_sdk_route53::types::RrType;

use crate::support::records::{accepted, at, change, multivalue, refused, simple, texts, zone};
use crate::support::refusal;

#[tokio::test]
async fn upsert_replaces_create_refuses_and_delete_wants_the_same_content() {
    let (_world, client) = zone().await;
    let name = at("a");
    accepted(&client, vec![(Create, simple(&name, &["\"one\""]))]).await;
    refused(&client, vec![(Create, simple(&name, &["\"two\""]))])
        .await
        .is("InvalidChangeBatch", 400)
        .says(&format!(
            "[Tried to create resource record set [name='{name}.', type='TXT'] but it already exists]"
        ));
    accepted(&client, vec![(Upsert, simple(&name, &["\"two\"", "\"three\""]))]).await;
    assert_eq!(
        texts(&client).await,
        [format!("{name} \"two\""), format!("{name} \"three\"")]
    );
    refused(&client, vec![(Delete, simple(&name, &["\"two\""]))])
        .await
        .is("InvalidChangeBatch", 400)
        .says("but the values provided do not match the current values");
    let mut other = simple(&name, &["\"two\"", "\"three\""]);
    other.ttl = Some(60);
    refused(&client, vec![(Delete, other)])
        .await
        .says("do not match the current values");
    let upper = simple(&name.to_uppercase(), &["\"three\"", "\"two\""]);
    accepted(&client, vec![(Delete, upper.clone())]).await;
    assert_eq!(texts(&client).await, [""; 0]);
    refused(&client, vec![(Delete, upper)])
        .await
        .says(&format!("[name='{name}.', type='TXT'] but it was not found"));
}

#[tokio::test]
async fn a_batch_is_applied_as_a_whole_or_not_at_all_and_all_that_is_wrong_is_told() {
    let (_world, client) = zone().await;
    let changes = vec![
        (Upsert, multivalue(&at("a"), "one")),
        (Delete, multivalue(&at("b"), "absent")),
        (Upsert, multivalue("xacme.platform.example", "one")),
    ];
    let refusal = refused(&client, changes).await;
    refusal
        .is("InvalidChangeBatch", 400)
        .says("set-identifier='absent'] but it was not found");
    refusal.says("RRSet with DNS name xacme.platform.example. is not permitted in zone acme.platform.example.");
    assert_eq!(texts(&client).await, [""; 0]);
}

#[tokio::test]
async fn multivalue_answers_come_and_go_one_by_one() {
    let (_world, client) = zone().await;
    let name = at("a");
    accepted(&client, vec![(Upsert, multivalue(&name, "one"))]).await;
    accepted(&client, vec![(Upsert, multivalue(&name, "two"))]).await;
    accepted(&client, vec![(Upsert, multivalue(&name, "two"))]).await;
    assert_eq!(
        texts(&client).await,
        [format!("{name} \"one\""), format!("{name} \"two\"")]
    );
    accepted(&client, vec![(Delete, multivalue(&name, "one"))]).await;
    assert_eq!(texts(&client).await, [format!("{name} \"two\"")]);
}

#[tokio::test]
async fn no_simple_record_set_stands_beside_multivalue_answers() {
    let (_world, client) = zone().await;
    let name = at("a");
    let old = simple(&name, &["\"old\""]);
    accepted(&client, vec![(Upsert, old.clone())]).await;
    refused(&client, vec![(Upsert, multivalue(&name, "new"))])
        .await
        .is("InvalidChangeBatch", 400)
        .says(&format!(
            "RRSet with DNS name {name}., type TXT, SetIdentifier new cannot be created because a non multivalue answer rrset exists"
        ));
    accepted(&client, vec![(Delete, old.clone()), (Upsert, multivalue(&name, "new"))]).await;
    refused(&client, vec![(Upsert, old)])
        .await
        .is("InvalidChangeBatch", 400)
        .says("cannot be created as other RRSets exist with the same name and type");
}

#[tokio::test]
async fn nothing_stands_beside_a_cname() {
    let (_world, client) = zone().await;
    let mut alias = simple(&at("a"), &["www.example.com"]);
    alias.r#type = RrType::Cname;
    accepted(&client, vec![(Upsert, alias.clone())]).await;
    refused(&client, vec![(Upsert, multivalue(&at("a"), "one"))])
        .await
        .is("InvalidChangeBatch", 400)
        .says("conflicting RRSet of type  CNAME");
    accepted(
        &client,
        vec![(Delete, alias.clone()), (Upsert, multivalue(&at("a"), "one"))],
    )
    .await;
    refused(&client, vec![(Upsert, alias)])
        .await
        .says("conflicts with other records");
}

#[tokio::test]
async fn a_record_set_occurs_once_in_a_batch_or_is_deleted_and_created() {
    let (_world, client) = zone().await;
    let set = multivalue(&at("a"), "one");
    accepted(&client, vec![(Upsert, set.clone())]).await;
    accepted(&client, vec![(Delete, set.clone()), (Create, set.clone())]).await;
    for twice in [[Upsert, Upsert], [Delete, Delete], [Delete, Upsert]] {
        let changes = twice.into_iter().map(|action| (action, set.clone())).collect();
        refused(&client, changes).await.is("InvalidChangeBatch", 400).says(
            "The request contains an invalid set of changes for a resource record set 'TXT a.acme.platform.example.'",
        );
    }
}

#[tokio::test]
async fn a_value_is_strings_in_quotation_marks_of_255_characters_at_most() {
    let (_world, client) = zone().await;
    let of = |value: &str| vec![(Upsert, simple(&at("a"), &[value]))];
    refused(&client, of("bare"))
        .await
        .is("InvalidChangeBatch", 400)
        .says("InvalidCharacterString (Value should be enclosed in quotation marks) encountered with 'bare'");
    let long = "x".repeat(256);
    refused(&client, of(&format!("\"{long}\"")))
        .await
        .is("InvalidChangeBatch", 400)
        .says("CharacterStringTooLong (Value is too long)");
    accepted(&client, of(&format!("\"{}\" \"x\"", &long[1..]))).await;
    refused(&client, vec![(Upsert, simple(&at("a"), &["\"x\"", "\"x\""]))])
        .await
        .says("Duplicate Resource Record");
}

#[tokio::test]
async fn values_and_their_characters_count_twice_in_an_upsert() {
    let (_world, client) = zone().await;
    let sets = |number: usize, length: usize| {
        let set = move |n: usize| multivalue(&at(&format!("n{n}")), &format!("{n:0>length$}"));
        (0..number).map(set)
    };
    let limit = "Number of records limit of 1000 exceeded.";
    refused(&client, sets(501, 3).map(|set| (Upsert, set)).collect())
        .await
        .is("InvalidChangeBatch", 400)
        .says(limit);
    accepted(&client, sets(501, 3).map(|set| (Create, set)).collect()).await;
    refused(&client, sets(1001, 4).map(|set| (Create, set)).collect())
        .await
        .says(limit);
    // 128 characters with the quotation marks, twice: 125 values have exactly 32,000.
    let limit = "Number of characters limit of 32000 exceeded.";
    refused(&client, sets(126, 126).map(|set| (Upsert, set)).collect())
        .await
        .is("InvalidChangeBatch", 400)
        .says(limit);
    accepted(&client, sets(125, 126).map(|set| (Upsert, set)).collect()).await;
}

#[tokio::test]
async fn a_hundred_multivalue_answers_have_one_name() {
    let (_world, client) = zone().await;
    let sets = |from: usize, to: usize| {
        (from..to)
            .map(|n| (Upsert, multivalue(&at("a"), &n.to_string())))
            .collect()
    };
    accepted(&client, sets(0, 100)).await;
    refused(&client, sets(100, 101)).await.is("InvalidChangeBatch", 400);
    accepted(&client, sets(99, 100)).await;
}

#[tokio::test]
async fn an_incomplete_record_set_is_invalid_input() {
    let (_world, client) = zone().await;
    let whole = multivalue(&at("a"), "one");
    let spoilt = |spoil: fn(&mut aws_sdk_route53::types::ResourceRecordSet)| {
        let mut set = whole.clone();
        spoil(&mut set);
        vec![(Upsert, set)]
    };
    for (changes, words) in [
        (spoilt(|set| set.set_identifier = None), "Missing field 'SetIdentifier'"),
        (
            spoilt(|set| set.multi_value_answer = None),
            "Expected exactly one of [Weight",
        ),
        (spoilt(|set| set.ttl = None), "all of [TTL, and ResourceRecords]"),
        (
            spoilt(|set| set.resource_records = None),
            "all of [TTL, and ResourceRecords]",
        ),
        (
            spoilt(|set| set.set_identifier = Some("x".repeat(129))),
            "128 characters",
        ),
        (spoilt(|set| set.weight = Some(1)), "Weight is not simulated"),
    ] {
        refused(&client, changes).await.is("InvalidInput", 400).says(words);
    }
}

#[tokio::test]
async fn an_unknown_zone_is_no_such_hosted_zone() {
    let (_world, client) = zone().await;
    let changes = vec![(Upsert, multivalue(&at("a"), "one"))];
    refusal(change(&client, "ZNOTTHISONE", changes).await)
        .is("NoSuchHostedZone", 404)
        .says("No hosted zone found with ID: ZNOTTHISONE");
    accepted(&client, vec![(Upsert, multivalue(&at("a"), "one"))]).await;
}
