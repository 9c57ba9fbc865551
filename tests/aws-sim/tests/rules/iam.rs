//! Server certificates in IAM.

use aws_sdk_iam::types::Tag;
use rcgen::KeyPair;
use serde_json::json;
use time::Duration;

use crate::support::configs::{iam_certificate, with_certificate};
use crate::support::{Ca, NEVER, Refusal, World, refusal, world, world_with};

async fn upload(world: &World, name: &str, body: String, key: String, chain: Option<String>) -> Refusal {
    let call = world
        .iam
        .upload_server_certificate()
        .path("/cloudfront/")
        .server_certificate_name(name);
    refusal(
        call.certificate_body(body)
            .private_key(key)
            .set_certificate_chain(chain)
            .send()
            .await,
    )
}

#[tokio::test]
async fn upload_and_get_returns_body_and_chain_but_no_key() {
    let world = world().await;
    let intermediate = world.ca.intermediate("Intermediate");
    let leaf = intermediate.leaf(&["www.example.com"]);
    let call = world
        .iam
        .upload_server_certificate()
        .path("/cloudfront/x/")
        .server_certificate_name("one");
    let call = call
        .certificate_body(leaf.cert_pem())
        .private_key(leaf.key_pem())
        .certificate_chain(intermediate.pem());
    let tag = Tag::builder().key("instance").value("i-1").build().unwrap();
    let made = call
        .tags(tag)
        .send()
        .await
        .unwrap()
        .server_certificate_metadata
        .unwrap();
    assert!(made.server_certificate_id.starts_with("ASCA") && made.server_certificate_id.len() == 21);
    assert_eq!(
        made.arn,
        "arn:aws:iam::123456789012:server-certificate/cloudfront/x/one"
    );
    let read = world
        .iam
        .get_server_certificate()
        .server_certificate_name("one")
        .send()
        .await
        .unwrap()
        .server_certificate
        .unwrap();
    assert_eq!(read.certificate_body, leaf.cert_pem());
    assert_eq!(read.certificate_chain, Some(intermediate.pem()));
    assert_eq!(read.tags.unwrap()[0].value, "i-1");
    assert!(read.server_certificate_metadata.unwrap().expiration.is_some());
}

#[tokio::test]
async fn the_same_name_is_entity_already_exists() {
    let world = world().await;
    let leaf = world.ca.leaf(&["www.example.com"]);
    world.upload("one", &leaf).await;
    upload(&world, "One", leaf.cert_pem(), leaf.key_pem(), None)
        .await
        .is("EntityAlreadyExists", 409);
}

#[tokio::test]
async fn the_quota_is_limit_exceeded() {
    let world = world().await;
    for number in 0..20 {
        world
            .upload(&format!("n{number}"), &world.ca.leaf(&["www.example.com"]))
            .await;
    }
    let leaf = world.ca.leaf(&["www.example.com"]);
    upload(&world, "one", leaf.cert_pem(), leaf.key_pem(), None)
        .await
        .is("LimitExceeded", 409);
    world.admin("/settings", json!({"iam_quota": 21})).await;
    world.upload("one", &leaf).await;
}

#[tokio::test]
async fn the_summary_tells_what_is_held_and_what_may_be() {
    use aws_sdk_iam::types::SummaryKeyType::{ServerCertificates, ServerCertificatesQuota};
    let world = world().await;
    world.upload("one", &world.ca.leaf(&["www.example.com"])).await;
    let told = world
        .iam
        .get_account_summary()
        .send()
        .await
        .unwrap()
        .summary_map
        .unwrap();
    assert_eq!((told[&ServerCertificates], told[&ServerCertificatesQuota]), (1, 20));
}

#[tokio::test]
async fn a_broken_certificate_is_malformed_certificate() {
    let world = world().await;
    let leaf = world.ca.leaf(&["www.example.com"]);
    upload(&world, "one", "nonsense".to_owned(), leaf.key_pem(), None)
        .await
        .is("MalformedCertificate", 400);
    let whole = leaf.cert_pem() + &world.ca.pem();
    upload(&world, "one", whole, leaf.key_pem(), None)
        .await
        .is("MalformedCertificate", 400);
    upload(&world, "one", leaf.cert_pem(), "nonsense".to_owned(), None)
        .await
        .is("MalformedCertificate", 400);
}

#[tokio::test]
async fn an_expired_certificate_is_malformed_certificate() {
    let world = world().await;
    let leaf = world
        .ca
        .leaf_with(&["www.example.com"], KeyPair::generate().unwrap(), Duration::hours(-1));
    upload(&world, "one", leaf.cert_pem(), leaf.key_pem(), None)
        .await
        .is("MalformedCertificate", 400);
}

#[tokio::test]
async fn a_chain_out_of_order_is_malformed_certificate() {
    let world = world().await;
    let leaf = world.ca.leaf(&["www.example.com"]);
    let other = Ca::new("Other Root").pem();
    upload(&world, "one", leaf.cert_pem(), leaf.key_pem(), Some(other))
        .await
        .is("MalformedCertificate", 400);
}

#[tokio::test]
async fn another_key_is_key_pair_mismatch() {
    let world = world().await;
    let (leaf, other) = (world.ca.leaf(&["a.example.com"]), world.ca.leaf(&["a.example.com"]));
    upload(&world, "one", leaf.cert_pem(), other.key_pem(), None)
        .await
        .is("KeyPairMismatch", 400);
}

#[tokio::test]
async fn sizes_names_and_paths_have_limits() {
    let world = world().await;
    let leaf = world.ca.leaf(&["www.example.com"]);
    let long = format!("{}{}", leaf.cert_pem(), "\n".repeat(16_384));
    upload(&world, "one", long, leaf.key_pem(), None)
        .await
        .is("ValidationError", 400)
        .says("16384");
    upload(&world, "a b", leaf.cert_pem(), leaf.key_pem(), None)
        .await
        .is("ValidationError", 400);
    upload(&world, &"n".repeat(129), leaf.cert_pem(), leaf.key_pem(), None)
        .await
        .is("ValidationError", 400);
    let call = world
        .iam
        .upload_server_certificate()
        .path("cloudfront")
        .server_certificate_name("one");
    let call = call.certificate_body(leaf.cert_pem()).private_key(leaf.key_pem());
    refusal(call.send().await).is("ValidationError", 400);
}

#[tokio::test]
async fn duplicate_tags_are_invalid_input() {
    let world = world().await;
    let leaf = world.ca.leaf(&["www.example.com"]);
    let tag = |key: &str| Tag::builder().key(key).value("v").build().unwrap();
    let call = world
        .iam
        .upload_server_certificate()
        .server_certificate_name("one")
        .tags(tag("a"))
        .tags(tag("A"));
    refusal(
        call.certificate_body(leaf.cert_pem())
            .private_key(leaf.key_pem())
            .send()
            .await,
    )
    .is("InvalidInput", 400);
}

#[tokio::test]
async fn an_unknown_name_is_no_such_entity() {
    let world = world().await;
    refusal(
        world
            .iam
            .get_server_certificate()
            .server_certificate_name("one")
            .send()
            .await,
    )
    .is("NoSuchEntity", 404);
    refusal(
        world
            .iam
            .delete_server_certificate()
            .server_certificate_name("one")
            .send()
            .await,
    )
    .is("NoSuchEntity", 404);
    refusal(
        world
            .iam
            .update_server_certificate()
            .server_certificate_name("one")
            .send()
            .await,
    )
    .is("NoSuchEntity", 404);
}

#[tokio::test]
async fn list_is_by_path_prefix_and_paged() {
    let world = world().await;
    for number in 0..3 {
        world
            .upload(&format!("n{number}"), &world.ca.leaf(&["www.example.com"]))
            .await;
    }
    let other = world
        .iam
        .list_server_certificates()
        .path_prefix("/elb/")
        .send()
        .await
        .unwrap();
    assert!(other.server_certificate_metadata_list.is_empty());
    let page = world
        .iam
        .list_server_certificates()
        .path_prefix("/cloudfront/")
        .max_items(2)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (page.server_certificate_metadata_list.len(), page.is_truncated),
        (2, true)
    );
    let rest = world
        .iam
        .list_server_certificates()
        .marker(page.marker.unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(
        (rest.server_certificate_metadata_list.len(), rest.is_truncated),
        (1, false)
    );
}

#[tokio::test]
async fn rename_and_move() {
    let world = world().await;
    let id = world.upload("one", &world.ca.leaf(&["www.example.com"])).await;
    world.upload("taken", &world.ca.leaf(&["www.example.com"])).await;
    let call = world.iam.update_server_certificate().server_certificate_name("one");
    refusal(call.clone().new_server_certificate_name("taken").send().await).is("EntityAlreadyExists", 409);
    call.new_server_certificate_name("two")
        .new_path("/elb/")
        .send()
        .await
        .unwrap();
    let read = world
        .iam
        .get_server_certificate()
        .server_certificate_name("two")
        .send()
        .await
        .unwrap();
    let metadata = read.server_certificate.unwrap().server_certificate_metadata.unwrap();
    assert_eq!(
        (metadata.server_certificate_id, metadata.path),
        (id, "/elb/".to_owned())
    );
}

#[tokio::test]
async fn deleting_one_in_use_is_delete_conflict_until_its_replacement_is_deployed() {
    let world = world_with(|settings| settings.deploy_ms = 0).await;
    let old = world.upload("old", &world.ca.leaf(&["www.example.com"])).await;
    let (made, _) = world.create(with_certificate("one", &["www.example.com"], &old)).await;
    let delete = || {
        world
            .iam
            .delete_server_certificate()
            .server_certificate_name("old")
            .send()
    };
    refusal(delete().await).is("DeleteConflict", 409);
    world.admin("/settings", json!({"deploy_ms": NEVER})).await;
    let new = world.upload("new", &world.ca.leaf(&["www.example.com"])).await;
    world
        .update(&made.id, |config| {
            config.viewer_certificate = Some(iam_certificate(&new))
        })
        .await
        .unwrap();
    refusal(delete().await).is("DeleteConflict", 409);
    world.admin("/settings", json!({"deploy_ms": 0})).await;
    delete().await.unwrap();
}
