//! The edge towards viewers: names, TLS, protocol policy, methods, and when changes are deployed.

use aws_sdk_cloudfront::types::{CustomErrorResponse, CustomErrorResponses, DistributionConfig, ViewerProtocolPolicy};
use http::Request;
use serde_json::json;

use crate::support::configs::{aliases, behaviour, behaviours, default_behaviour, minimal, origin, origins};
use crate::support::origin::Origin;
use crate::support::viewer::{asked, connect, header};
use crate::support::{NEVER, World, world_with};

async fn with_origin() -> (World, Origin) {
    let origin = Origin::start("app").await;
    let address = origin.address;
    (
        world_with(|settings| settings.origin_default = Some(address)).await,
        origin,
    )
}

#[tokio::test]
async fn an_alias_is_served_by_https_with_the_uploaded_certificate() {
    let (world, _origin) = with_origin().await;
    world.serving("one", &["www.example.com"]).await;
    let answer = world.get_https("www.example.com", "/hello").await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(asked(&answer).uri, "/hello");
    assert_eq!(header(&answer, "x-cache"), "Miss from cloudfront");
    let via = header(&answer, "via");
    assert!(
        via.starts_with("1.1 ") && via.ends_with(".cloudfront.net (CloudFront)"),
        "{via}"
    );
    assert!(!header(&answer, "x-amz-cf-id").is_empty() && !header(&answer, "x-amz-cf-pop").is_empty());
}

#[tokio::test]
async fn a_wildcard_alias_takes_every_level_and_its_certificate_is_for_one() {
    let (world, _origin) = with_origin().await;
    world.serving("one", &["*.example.com"]).await;
    assert_eq!(world.get_https("a.example.com", "/").await.unwrap().status(), 200);
    assert_eq!(world.get("a.b.example.com", "/").await.status(), 200);
    world.get_https("a.b.example.com", "/").await.unwrap_err();
    assert_eq!(world.get("example.com", "/").await.status(), 403);
}

#[tokio::test]
async fn the_nearest_alias_takes_a_request() {
    let (world, _origin) = with_origin().await;
    for (reference, alias) in [
        ("far", "*.example.com"),
        ("near", "*.b.example.com"),
        ("exact", "a.b.example.com"),
    ] {
        let made = world.serving(reference, &[alias]).await;
        let tell = |config: &mut DistributionConfig| {
            config.origins.as_mut().unwrap().items[0].origin_path = Some(format!("/{reference}"));
        };
        world.update(&made.id, tell).await.unwrap();
    }
    for (host, taken_by) in [
        ("b.example.com", "/far/"),
        ("x.b.example.com", "/near/"),
        ("a.b.example.com", "/exact/"),
        ("x.a.b.example.com", "/near/"),
    ] {
        assert_eq!(asked(&world.get(host, "/").await).uri, taken_by, "{host}");
    }
}

#[tokio::test]
async fn a_name_that_is_no_alias_gets_no_certificate() {
    let (world, _origin) = with_origin().await;
    world.serving("one", &["www.example.com"]).await;
    world.get_https("other.example.com", "/").await.unwrap_err();
}

#[tokio::test]
async fn cloudfront_net_gets_the_edges_own_certificate() {
    let (world, _origin) = with_origin().await;
    let (made, _) = world.create(minimal("one")).await;
    let root = world.running.sim.default_certificate.keyed.cert[0].clone();
    connect(&world, &made.domain_name, root).await.unwrap();
    assert_eq!(world.get(&made.domain_name, "/").await.status(), 200);
}

#[tokio::test]
async fn an_unattached_host_is_403_with_the_error_page() {
    let (world, _origin) = with_origin().await;
    let answer = world.get("dangling.example.com", "/").await;
    assert_eq!(answer.status(), 403);
    assert!(String::from_utf8_lossy(answer.body()).contains("The request could not be satisfied"));
    assert_eq!(header(&answer, "x-cache"), "Error from cloudfront");
    assert_eq!(header(&answer, "server"), "CloudFront");
}

#[tokio::test]
async fn a_port_in_host_does_not_matter() {
    let (world, _origin) = with_origin().await;
    let (made, _) = world.create(minimal("one")).await;
    assert_eq!(
        world.get(&format!("{}:8080", made.domain_name), "/").await.status(),
        200
    );
}

#[tokio::test]
async fn the_old_configuration_serves_until_deployed() {
    let (world, _origin) = with_origin().await;
    let made = world.serving("one", &["old.example.com"]).await;
    world.admin("/settings", json!({"deploy_ms": NEVER})).await;
    let certificate = world.upload("new", &world.ca.leaf(&["new.example.com"])).await;
    world
        .update(&made.id, |config| {
            config.aliases = Some(aliases(&["new.example.com"]));
            config.viewer_certificate = Some(crate::support::configs::iam_certificate(&certificate));
        })
        .await
        .unwrap();
    assert_eq!(world.get_https("old.example.com", "/").await.unwrap().status(), 200);
    world.get_https("new.example.com", "/").await.unwrap_err();
    assert_eq!(world.get("new.example.com", "/").await.status(), 403);
    world.admin("/settings", json!({"deploy_ms": 0})).await;
    assert_eq!(world.get_https("new.example.com", "/").await.unwrap().status(), 200);
    world.get_https("old.example.com", "/").await.unwrap_err();
}

#[tokio::test]
async fn associate_alias_leaves_no_gap() {
    let (world, _origin) = with_origin().await;
    world.serving("from", &["www.example.com"]).await;
    let to = world.serving("to", &["*.example.com"]).await;
    world.admin("/settings", json!({"deploy_ms": NEVER})).await;
    world
        .cloudfront
        .associate_alias()
        .target_distribution_id(&to.id)
        .alias("www.example.com")
        .send()
        .await
        .unwrap();
    assert_eq!(world.get_https("www.example.com", "/").await.unwrap().status(), 200);
    world.admin("/settings", json!({"deploy_ms": 0})).await;
    assert_eq!(world.get_https("www.example.com", "/").await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_disabled_distribution_is_403() {
    let (world, _origin) = with_origin().await;
    let (made, _) = world.create(minimal("one")).await;
    world.update(&made.id, |config| config.enabled = false).await.unwrap();
    assert_eq!(world.get(&made.domain_name, "/").await.status(), 403);
}

#[tokio::test]
async fn redirect_to_https_is_301_to_the_same_url() {
    let (world, _origin) = with_origin().await;
    let mut config = minimal("one");
    default_behaviour(&mut config).viewer_protocol_policy = ViewerProtocolPolicy::RedirectToHttps;
    let (made, _) = world.create(config).await;
    let answer = world.get(&made.domain_name, "/a?b=c").await;
    let port = world.running.edge_https_addr.port();
    assert_eq!(answer.status(), 301);
    assert_eq!(
        header(&answer, "location"),
        format!("https://{}:{port}/a?b=c", made.domain_name)
    );
}

#[tokio::test]
async fn redirect_leaves_out_port_443() {
    let world = world_with(|settings| settings.edge_https_public_port = Some(443)).await;
    let mut config = minimal("one");
    default_behaviour(&mut config).viewer_protocol_policy = ViewerProtocolPolicy::RedirectToHttps;
    let (made, _) = world.create(config).await;
    let answer = world.get(&made.domain_name, "/").await;
    assert_eq!(header(&answer, "location"), format!("https://{}/", made.domain_name));
}

#[tokio::test]
async fn https_only_is_403_by_http() {
    let (world, _origin) = with_origin().await;
    let mut config = minimal("one");
    default_behaviour(&mut config).viewer_protocol_policy = ViewerProtocolPolicy::HttpsOnly;
    let (made, _) = world.create(config).await;
    assert_eq!(world.get(&made.domain_name, "/").await.status(), 403);
}

#[tokio::test]
async fn a_method_that_is_not_allowed_is_403() {
    let (world, _origin) = with_origin().await;
    let (made, _) = world.create(minimal("one")).await;
    assert_eq!(world.post(&made.domain_name, "/", "x").await.status(), 403);
}

#[tokio::test]
async fn the_first_matching_behaviour_rules() {
    let (app, other) = (Origin::start("app").await, Origin::start("other").await);
    let map = [
        format!("app.example.org={}", app.address),
        format!("other.example.org:80={}", other.address),
    ];
    let world = world_with(|settings| settings.origin_map = map.iter().map(|one| one.parse().unwrap()).collect()).await;
    let mut config = minimal("one");
    config.origins = Some(origins(vec![
        origin("app", "app.example.org"),
        origin("other", "other.example.org"),
    ]));
    config.cache_behaviors = Some(behaviours(vec![
        behaviour("/.well-known/acme-challenge/*", "other"),
        behaviour("img/*.p?g", "other"),
        behaviour("/img/a.png", "app"),
    ]));
    let (made, _) = world.create(config).await;
    let serves = async |path: &str| asked(&world.get(&made.domain_name, path).await).origin;
    assert_eq!(serves("/").await, "app");
    assert_eq!(serves("/.well-known/acme-challenge/token").await, "other");
    assert_eq!(serves("/img/a.png").await, "other");
    assert_eq!(serves("/IMG/a.png").await, "app");
}

#[tokio::test]
async fn the_default_root_object_answers_for_the_root() {
    let (world, _origin) = with_origin().await;
    let mut config = minimal("one");
    config.default_root_object = Some("index.html".to_owned());
    let (made, _) = world.create(config).await;
    assert_eq!(asked(&world.get(&made.domain_name, "/").await).uri, "/index.html");
    assert_eq!(asked(&world.get(&made.domain_name, "/a/").await).uri, "/a/");
}

#[tokio::test]
async fn a_custom_error_response_shows_its_page() {
    let (world, _origin) = with_origin().await;
    let mut config = minimal("one");
    let rule = CustomErrorResponse::builder()
        .error_code(503)
        .response_code("200")
        .response_page_path("/sorry.html");
    config.custom_error_responses = Some(
        CustomErrorResponses::builder()
            .quantity(1)
            .items(rule.build().unwrap())
            .build()
            .unwrap(),
    );
    let (made, _) = world.create(config).await;
    let answer = world.get(&made.domain_name, "/status/503").await;
    assert_eq!(
        (answer.status().as_u16(), asked(&answer).uri.as_str()),
        (200, "/sorry.html")
    );
    assert_eq!(header(&answer, "x-cache"), "Error from cloudfront");
}

#[tokio::test]
async fn head_has_no_body() {
    let (world, _origin) = with_origin().await;
    let (made, _) = world.create(minimal("one")).await;
    let answer = world.http(Request::head("/").header("host", &made.domain_name)).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.body().is_empty());
}
