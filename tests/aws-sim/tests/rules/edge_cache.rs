//! The edge's cache.

use aws_sdk_cloudfront::types::DistributionConfig;

use crate::support::configs::{CACHING_DISABLED, CACHING_OPTIMIZED, by_policies, default_behaviour, minimal};
use crate::support::origin::Origin;
use crate::support::viewer::header;
use crate::support::{World, world_with};

async fn setup(change: impl FnOnce(&mut DistributionConfig)) -> (World, Origin, String) {
    let origin = Origin::start("app").await;
    let address = origin.address;
    let world = world_with(|settings| settings.origin_default = Some(address)).await;
    let mut config = minimal("one");
    change(&mut config);
    let host = world.create(config).await.0.domain_name;
    (world, origin, host)
}

fn with_query(config: &mut DistributionConfig) {
    default_behaviour(config)
        .forwarded_values
        .as_mut()
        .unwrap()
        .query_string = true;
}

#[tokio::test]
async fn the_second_get_is_a_hit() {
    let (world, origin, host) = setup(|_| {}).await;
    assert_eq!(header(&world.get(&host, "/a").await, "x-cache"), "Miss from cloudfront");
    let again = world.get(&host, "/a").await;
    assert_eq!(header(&again, "x-cache"), "Hit from cloudfront");
    assert!(!header(&again, "age").is_empty());
    assert_eq!(origin.hits(), 1);
}

#[tokio::test]
async fn no_store_is_not_kept() {
    let (world, origin, host) = setup(with_query).await;
    for _ in 0..2 {
        assert_eq!(
            header(&world.get(&host, "/a?cc=no-store").await, "x-cache"),
            "Miss from cloudfront"
        );
    }
    assert_eq!(origin.hits(), 2);
}

#[tokio::test]
async fn a_ttl_of_zero_is_not_kept() {
    let (world, origin, host) = setup(|config| {
        let behaviour = default_behaviour(config);
        (behaviour.min_ttl, behaviour.default_ttl, behaviour.max_ttl) = (Some(0), Some(0), Some(0));
    })
    .await;
    world.get(&host, "/a").await;
    world.get(&host, "/a").await;
    assert_eq!(origin.hits(), 2);
}

#[tokio::test]
async fn query_strings_are_in_the_key_only_when_forwarded() {
    let (world, origin, host) = setup(|_| {}).await;
    world.get(&host, "/a?x=1").await;
    world.get(&host, "/a?x=2").await;
    assert_eq!(origin.hits(), 1);
    let (world, origin, host) = setup(with_query).await;
    world.get(&host, "/a?x=1").await;
    world.get(&host, "/a?x=2").await;
    assert_eq!(origin.hits(), 2);
}

#[tokio::test]
async fn managed_policies_rule_the_cache() {
    let (world, origin, host) = setup(|config| by_policies(config, CACHING_OPTIMIZED, None)).await;
    world.get(&host, "/a").await;
    world.get(&host, "/a").await;
    assert_eq!(origin.hits(), 1);
    let (world, origin, host) = setup(|config| by_policies(config, CACHING_DISABLED, None)).await;
    world.get(&host, "/a").await;
    world.get(&host, "/a").await;
    assert_eq!(origin.hits(), 2);
}

#[tokio::test]
async fn errors_are_kept_for_a_while() {
    let (world, origin, host) = setup(|_| {}).await;
    for _ in 0..2 {
        let answer = world.get(&host, "/status/404").await;
        assert_eq!(
            (answer.status().as_u16(), header(&answer, "x-cache")),
            (404, "Error from cloudfront")
        );
    }
    assert_eq!(origin.hits(), 1);
}
