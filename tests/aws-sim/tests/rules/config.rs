//! Create: rules for the configuration as a whole.

use aws_sdk_cloudfront::config::http::HttpRequest;
use aws_sdk_cloudfront::types::{
    Aliases, CustomErrorResponse, CustomErrorResponses, GeoRestriction, GeoRestrictionType, HttpVersion, PriceClass,
    Restrictions,
};

use crate::support::configs::{aliases, minimal};
use crate::support::{refusal, world};

fn with_body(request: &mut HttpRequest, body: String) {
    request.headers_mut().insert("content-length", body.len().to_string());
    *request.body_mut() = body.into();
}

#[tokio::test]
async fn minimal_config_is_accepted_and_completed() {
    let world = world().await;
    let (made, etag) = world.create(minimal("one")).await;
    assert!(made.id.starts_with('E') && made.id.len() == 14, "{}", made.id);
    assert!(
        made.domain_name.starts_with('d') && made.domain_name.ends_with(".cloudfront.net"),
        "{}",
        made.domain_name
    );
    assert!(etag.starts_with('E'), "{etag}");
    let config = made.distribution_config.unwrap();
    assert_eq!(config.aliases.unwrap().quantity, 0);
    assert_eq!(config.price_class, Some(PriceClass::PriceClassAll));
    let behaviour = config.default_cache_behavior.unwrap();
    assert_eq!(
        (behaviour.min_ttl, behaviour.default_ttl, behaviour.max_ttl),
        (Some(0), Some(86_400), Some(31_536_000))
    );
    let origin = &config.origins.unwrap().items[0];
    let custom = origin.custom_origin_config.as_ref().unwrap();
    assert_eq!(
        (custom.origin_read_timeout, custom.origin_keepalive_timeout),
        (Some(30), Some(5))
    );
    assert_eq!(
        (origin.connection_attempts, origin.connection_timeout),
        (Some(3), Some(10))
    );
    assert_eq!(
        config.viewer_certificate.unwrap().cloud_front_default_certificate,
        Some(true)
    );
}

#[tokio::test]
async fn no_body_is_missing_body() {
    let world = world().await;
    let call = world
        .cloudfront
        .create_distribution()
        .distribution_config(minimal("one"))
        .customize();
    refusal(
        call.mutate_request(|request| with_body(request, String::new()))
            .send()
            .await,
    )
    .is("MissingBody", 400);
}

#[tokio::test]
async fn broken_xml_is_malformed_xml() {
    let world = world().await;
    let call = world
        .cloudfront
        .create_distribution()
        .distribution_config(minimal("one"))
        .customize();
    refusal(
        call.mutate_request(|request| with_body(request, "<DistributionConfig>".into()))
            .send()
            .await,
    )
    .is("MalformedXML", 400);
}

#[tokio::test]
async fn a_missing_required_member_is_malformed_xml() {
    let world = world().await;
    for member in [
        "<Comment></Comment>",
        "<Enabled>true</Enabled>",
        "<CallerReference>one</CallerReference>",
    ] {
        let call = world
            .cloudfront
            .create_distribution()
            .distribution_config(minimal("one"))
            .customize();
        let call = call.mutate_request(move |request| {
            let body = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
            let without = body.replace(member, "");
            assert_ne!(body, without);
            with_body(request, without);
        });
        refusal(call.send().await).is("MalformedXML", 400);
    }
}

#[tokio::test]
async fn an_unknown_member_is_malformed_xml() {
    let world = world().await;
    let call = world
        .cloudfront
        .create_distribution()
        .distribution_config(minimal("one"))
        .customize();
    let call = call.mutate_request(|request| {
        let body = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
        with_body(request, body.replace("<Enabled>", "<Nonsense>1</Nonsense><Enabled>"));
    });
    refusal(call.send().await).is("MalformedXML", 400);
}

#[tokio::test]
async fn an_empty_caller_reference_is_invalid_argument() {
    world().await.refused(minimal("")).await.is("InvalidArgument", 400);
}

#[tokio::test]
async fn quantity_must_equal_items() {
    let world = world().await;
    let mut config = minimal("one");
    config.aliases = Some(Aliases::builder().quantity(2).items("a.example.com").build().unwrap());
    world.refused(config).await.is("InconsistentQuantities", 400);
}

#[tokio::test]
async fn comment_is_at_most_128_characters() {
    let world = world().await;
    let mut config = minimal("one");
    config.comment = "é".repeat(129);
    world.refused(config.clone()).await.is("InvalidArgument", 400);
    config.comment = "é".repeat(128);
    world.create(config).await;
}

#[tokio::test]
async fn more_than_100_aliases_are_too_many() {
    let world = world().await;
    let names = (0..101)
        .map(|number| format!("n{number}.example.com"))
        .collect::<Vec<_>>();
    let mut config = minimal("one");
    config.aliases = Some(aliases(&names.iter().map(String::as_str).collect::<Vec<_>>()));
    world.refused(config).await.is("TooManyDistributionCNAMEs", 400);
}

#[tokio::test]
async fn the_account_quota_is_too_many_distributions() {
    let world = world().await;
    world
        .admin("/settings", serde_json::json!({"distribution_quota": 1}))
        .await;
    world.create(minimal("one")).await;
    world.refused(minimal("two")).await.is("TooManyDistributions", 400);
}

#[tokio::test]
async fn http_version_and_price_class_are_enumerations() {
    let world = world().await;
    let mut config = minimal("one");
    config.http_version = Some(HttpVersion::from("http9"));
    world.refused(config).await.is("InvalidArgument", 400);
    let mut config = minimal("one");
    config.price_class = Some(PriceClass::from("PriceClass_7"));
    world.refused(config).await.is("InvalidArgument", 400);
    for version in ["http1.1", "http2", "http3", "http2and3"] {
        let mut config = minimal(version);
        config.http_version = Some(HttpVersion::from(version));
        world.create(config).await;
    }
}

#[tokio::test]
async fn default_root_object_has_no_leading_slash() {
    let mut config = minimal("one");
    config.default_root_object = Some("/index.html".to_owned());
    world().await.refused(config).await.is("InvalidDefaultRootObject", 400);
}

#[tokio::test]
async fn geo_restriction_needs_locations() {
    let mut config = minimal("one");
    let geo = GeoRestriction::builder()
        .restriction_type(GeoRestrictionType::Blacklist)
        .quantity(0)
        .build()
        .unwrap();
    config.restrictions = Some(Restrictions::builder().geo_restriction(geo).build());
    world()
        .await
        .refused(config)
        .await
        .is("InvalidGeoRestrictionParameter", 400);
}

fn errors(response: CustomErrorResponse) -> Option<CustomErrorResponses> {
    Some(
        CustomErrorResponses::builder()
            .quantity(1)
            .items(response)
            .build()
            .unwrap(),
    )
}

#[tokio::test]
async fn a_custom_error_code_must_be_a_known_one() {
    let world = world().await;
    let mut config = minimal("one");
    config.custom_error_responses = errors(CustomErrorResponse::builder().error_code(418).build().unwrap());
    world.refused(config).await.is("InvalidErrorCode", 400);
    for code in [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504] {
        let mut config = minimal(&code.to_string());
        config.custom_error_responses = errors(CustomErrorResponse::builder().error_code(code).build().unwrap());
        world.create(config).await;
    }
}

#[tokio::test]
async fn a_response_code_needs_a_response_page_path() {
    let mut config = minimal("one");
    config.custom_error_responses = errors(
        CustomErrorResponse::builder()
            .error_code(404)
            .response_code("200")
            .build()
            .unwrap(),
    );
    world().await.refused(config).await.is("InvalidResponseCode", 400);
}
