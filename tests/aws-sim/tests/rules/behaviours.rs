//! Create: cache behaviours.

use aws_sdk_cloudfront::types::{CookieNames, CookiePreference, ItemSelection, Method};

use crate::support::configs::{
    ALL_VIEWER, CACHING_DISABLED, behaviour, behaviours, by_policies, default_behaviour, forwarded, methods, minimal,
};
use crate::support::world;

#[tokio::test]
async fn at_most_75_behaviours() {
    let mut config = minimal("one");
    config.cache_behaviors = Some(behaviours(
        (0..76)
            .map(|number| behaviour(&format!("/{number}/*"), "app"))
            .collect(),
    ));
    world().await.refused(config).await.is("TooManyCacheBehaviors", 400);
}

#[tokio::test]
async fn cache_policy_or_forwarded_values_but_not_both() {
    let world = world().await;
    let mut both = minimal("one");
    default_behaviour(&mut both).cache_policy_id = Some(CACHING_DISABLED.to_owned());
    world.refused(both).await.is("InvalidArgument", 400);
    let mut neither = minimal("one");
    default_behaviour(&mut neither).forwarded_values = None;
    world.refused(neither).await.is("InvalidArgument", 400);
    let mut policies = minimal("one");
    by_policies(&mut policies, CACHING_DISABLED, Some(ALL_VIEWER));
    world.create(policies).await;
}

#[tokio::test]
async fn unknown_policies() {
    let world = world().await;
    let unknown = "00000000-0000-0000-0000-000000000000";
    let mut config = minimal("one");
    by_policies(&mut config, unknown, None);
    world.refused(config).await.is("NoSuchCachePolicy", 404);
    let mut config = minimal("one");
    by_policies(&mut config, CACHING_DISABLED, Some(unknown));
    world.refused(config).await.is("NoSuchOriginRequestPolicy", 404);
    let mut config = minimal("one");
    by_policies(&mut config, CACHING_DISABLED, None);
    default_behaviour(&mut config).response_headers_policy_id = Some(unknown.to_owned());
    world.refused(config).await.is("NoSuchResponseHeadersPolicy", 404);
}

#[tokio::test]
async fn at_most_10_headers_and_star_alone() {
    let world = world().await;
    let names = (0..11).map(|number| format!("X-{number}")).collect::<Vec<_>>();
    let mut config = minimal("one");
    let eleven = names.iter().map(String::as_str).collect::<Vec<_>>();
    default_behaviour(&mut config).forwarded_values = Some(forwarded(&eleven));
    world.refused(config).await.is("TooManyHeadersInForwardedValues", 400);
    let mut config = minimal("one");
    default_behaviour(&mut config).forwarded_values = Some(forwarded(&["*", "Host"]));
    world.refused(config).await.is("InvalidArgument", 400);
    let mut config = minimal("one");
    default_behaviour(&mut config).forwarded_values = Some(forwarded(&["*"]));
    world.create(config).await;
}

#[tokio::test]
async fn whitelisted_cookies_need_names_and_only_they() {
    let world = world().await;
    let with = |forward: ItemSelection, names: Option<&str>| {
        let names = names.map(|name| CookieNames::builder().quantity(1).items(name).build().unwrap());
        let cookies = CookiePreference::builder()
            .forward(forward)
            .set_whitelisted_names(names)
            .build()
            .unwrap();
        let mut config = minimal("one");
        default_behaviour(&mut config)
            .forwarded_values
            .as_mut()
            .unwrap()
            .cookies = Some(cookies);
        config
    };
    world
        .refused(with(ItemSelection::Whitelist, None))
        .await
        .is("InvalidForwardCookies", 400);
    world
        .refused(with(ItemSelection::All, Some("id")))
        .await
        .is("InvalidForwardCookies", 400);
    world.create(with(ItemSelection::Whitelist, Some("id"))).await;
}

#[tokio::test]
async fn ttls_are_in_order() {
    let mut config = minimal("one");
    let behaviour = default_behaviour(&mut config);
    (behaviour.min_ttl, behaviour.default_ttl, behaviour.max_ttl) = (Some(10), Some(5), Some(20));
    world().await.refused(config).await.is("InvalidTTLOrder", 400);
}

#[tokio::test]
async fn allowed_methods_are_one_of_three_sets() {
    let world = world().await;
    let reads = [Method::Get, Method::Head];
    let mut config = minimal("one");
    default_behaviour(&mut config).allowed_methods = Some(methods(&[Method::Get, Method::Head, Method::Post], &reads));
    world.refused(config).await.is("InvalidArgument", 400);
    let mut config = minimal("one");
    default_behaviour(&mut config).allowed_methods =
        Some(methods(&reads, &[Method::Get, Method::Head, Method::Options]));
    world.refused(config).await.is("InvalidArgument", 400);
    let mut config = minimal("one");
    default_behaviour(&mut config).allowed_methods =
        Some(methods(&[Method::Get, Method::Head, Method::Options], &reads));
    world.create(config).await;
}

#[tokio::test]
async fn a_path_pattern_is_used_once() {
    let mut config = minimal("one");
    config.cache_behaviors = Some(behaviours(vec![behaviour("/x/*", "app"), behaviour("/x/*", "app")]));
    world().await.refused(config).await.is("InvalidArgument", 400);
}
