//! Ownership of aliases.

use serde_json::json;

use crate::support::configs::{aliases, iam_certificate, minimal, with_certificate};
use crate::support::{refusal, world};

#[tokio::test]
async fn an_alias_of_another_distribution_is_cname_already_exists() {
    let world = world().await;
    world.serving("one", &["www.example.com"]).await;
    let certificate = world.upload("two", &world.ca.leaf(&["www.example.com"])).await;
    let config = with_certificate("two", &["WWW.example.com"], &certificate);
    world.refused(config).await.is("CNAMEAlreadyExists", 409);
    let (other, _) = world.create(minimal("three")).await;
    let update = world.update(&other.id, |config| {
        config.aliases = Some(aliases(&["www.example.com"]));
        config.viewer_certificate = Some(iam_certificate(&certificate));
    });
    refusal(update.await).is("CNAMEAlreadyExists", 409);
}

#[tokio::test]
async fn an_alias_of_another_account_is_cname_already_exists() {
    let world = world().await;
    world.admin("/foreign-alias", json!({"alias": "www.example.com"})).await;
    let certificate = world.upload("one", &world.ca.leaf(&["*.example.com"])).await;
    world
        .refused(with_certificate("one", &["www.example.com"], &certificate))
        .await
        .is("CNAMEAlreadyExists", 409);
    world
        .refused(with_certificate("one", &["*.example.com"], &certificate))
        .await
        .is("CNAMEAlreadyExists", 409);
}

#[tokio::test]
async fn a_wildcard_and_a_name_it_covers_may_overlap_in_one_account() {
    let world = world().await;
    world.serving("one", &["*.example.com"]).await;
    world.serving("two", &["www.example.com"]).await;
}

#[tokio::test]
async fn an_alias_is_free_again_after_it_is_removed() {
    let world = world().await;
    let made = world.serving("one", &["www.example.com"]).await;
    world
        .update(&made.id, |config| config.aliases = Some(aliases(&[])))
        .await
        .unwrap();
    world.serving("two", &["www.example.com"]).await;
}

#[tokio::test]
async fn an_alias_is_a_name_given_once() {
    let world = world().await;
    let certificate = world.upload("one", &world.ca.leaf(&["www.example.com"])).await;
    for names in [
        &["https://www.example.com"][..],
        &["www.example.com", "www.example.com"],
        &["www.*.com"],
        &["x.cloudfront.net"],
    ] {
        world
            .refused(with_certificate("one", names, &certificate))
            .await
            .is("InvalidArgument", 400);
    }
}

#[tokio::test]
async fn list_conflicting_aliases_tells_who_half_masked() {
    let world = world().await;
    let own = world.serving("own", &["*.example.com"]).await;
    let other = world.serving("other", &["www.example.com"]).await;
    world.admin("/foreign-alias", json!({"alias": "api.example.net"})).await;
    let ask = |alias: &str| {
        world
            .cloudfront
            .list_conflicting_aliases()
            .distribution_id(&own.id)
            .alias(alias)
            .send()
    };
    let list = ask("www.example.com").await.unwrap().conflicting_aliases_list.unwrap();
    let items = list.items.unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].alias.as_deref(), Some("www.example.com"));
    let masked = items[0].distribution_id.as_deref().unwrap();
    assert!(
        masked.starts_with("*******") && masked.ends_with(&other.id[7..]),
        "{masked}"
    );
    refusal(ask("api.example.net").await).is("InvalidArgument", 400);
    world.admin("/foreign-alias", json!({"alias": "far.example.com"})).await;
    let far = ask("far.example.com")
        .await
        .unwrap()
        .conflicting_aliases_list
        .unwrap()
        .items
        .unwrap();
    assert_eq!(far[0].account_id.as_deref(), Some("******999999"));
}

#[tokio::test]
async fn associate_alias_moves_it_and_changes_both_etags() {
    let world = world().await;
    let from = world.serving("from", &["www.example.com"]).await;
    let to = world.serving("to", &["*.example.com"]).await;
    let etag = async |id: &str| {
        world
            .cloudfront
            .get_distribution()
            .id(id)
            .send()
            .await
            .unwrap()
            .e_tag
            .unwrap()
    };
    let before = (etag(&from.id).await, etag(&to.id).await);
    world
        .cloudfront
        .associate_alias()
        .target_distribution_id(&to.id)
        .alias("www.example.com")
        .send()
        .await
        .unwrap();
    assert_ne!(before.0, etag(&from.id).await);
    assert_ne!(before.1, etag(&to.id).await);
    let state = world.admin_get("/state").await;
    let names = |id: &str| {
        let all = state["distributions"].as_array().unwrap();
        all.iter().find(|it| it["id"] == id).unwrap()["aliases"].clone()
    };
    assert_eq!(names(&from.id), json!([]));
    assert_eq!(names(&to.id), json!(["*.example.com", "www.example.com"]));
}

#[tokio::test]
async fn associate_alias_needs_a_covering_certificate_and_the_own_account() {
    let world = world().await;
    world.serving("from", &["www.example.com"]).await;
    let (bare, _) = world.create(minimal("bare")).await;
    let ask = |id: &str, alias: &str| {
        world
            .cloudfront
            .associate_alias()
            .target_distribution_id(id)
            .alias(alias)
            .send()
    };
    refusal(ask(&bare.id, "www.example.com").await).is("InvalidArgument", 400);
    let other = world.serving("to", &["a.example.net"]).await;
    world
        .update(&other.id, |config| config.aliases = Some(aliases(&[])))
        .await
        .unwrap();
    world.admin("/foreign-alias", json!({"alias": "a.example.net"})).await;
    refusal(ask(&other.id, "a.example.net").await).is("IllegalUpdate", 400);
}
