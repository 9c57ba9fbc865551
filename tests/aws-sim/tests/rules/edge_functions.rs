//! CloudFront Functions at the edge: the published code is executed.

use aws_sdk_cloudfront::primitives::Blob;
use aws_sdk_cloudfront::types::{EventType, ViewerProtocolPolicy};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use crate::support::configs::default_behaviour;
use crate::support::functions::{config, using};
use crate::support::origin::Origin;
use crate::support::viewer::{asked, header};
use crate::support::{World, world_with};

/// Responds with the event.
const ECHO: &str = "function handler(event) {
    event.raw = event.request.rawQueryString();
    return { statusCode: 200, body: JSON.stringify(event), headers: { 'x-made': { value: 'here' } } };
}";

/// A world with an origin and a distribution that runs this code; returns its host.
async fn running(code: &str) -> (World, String, Origin) {
    let origin = Origin::start("app").await;
    let world = world_with(|settings| settings.origin_default = Some(origin.address)).await;
    let arn = world.published("one", code).await;
    let mut config = using("a", &[(&arn, EventType::ViewerRequest)]);
    if let Some(forwarded) = default_behaviour(&mut config).forwarded_values.as_mut() {
        forwarded.query_string = true;
    }
    let host = world.create(config).await.0.domain_name;
    (world, host, origin)
}

fn event(answer: &Response<Bytes>) -> Value {
    serde_json::from_slice(answer.body()).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

#[tokio::test]
async fn the_event_is_as_the_developer_guide_has_it() {
    let (world, host, _origin) = running(ECHO).await;
    let request = Request::get("/a%20b?x=1&y=%2C&x=2&flag")
        .header("host", &host)
        .header("X-Two", "1")
        .header("X-Two", "2")
        .header("Cookie", "a=1; b=2; a=3");
    let answer = world.http(request).await;
    assert_eq!(header(&answer, "x-cache"), "FunctionGeneratedResponse from cloudfront");
    assert_eq!(header(&answer, "x-made"), "here");
    let event = event(&answer);
    assert_eq!(event["version"], "1.0");
    assert_eq!(event["context"]["eventType"], "viewer-request");
    assert_eq!(event["context"]["distributionDomainName"], host.as_str());
    assert_eq!(event["viewer"]["ip"], "127.0.0.1");
    let request = &event["request"];
    assert_eq!((&request["method"], &request["uri"]), (&json!("GET"), &json!("/a%20b")));
    assert_eq!(request["headers"]["host"], json!({"value": host}));
    let twice =
        |first: &str, second: &str| json!({"value": first, "multiValue": [{"value": first}, {"value": second}]});
    assert_eq!(request["headers"]["x-two"], twice("1", "2"));
    assert_eq!(request["headers"].get("cookie"), None);
    assert_eq!(request["cookies"], json!({"a": twice("1", "3"), "b": {"value": "2"}}));
    assert_eq!(
        request["querystring"],
        json!({"x": twice("1", "2"), "y": {"value": "%2C"}, "flag": {"value": ""}})
    );
    assert_eq!(event["raw"], "x=1&y=%2C&x=2&flag");
}

#[tokio::test]
async fn the_raw_query_tells_an_empty_one_from_none() {
    let (world, host, _origin) = running(ECHO).await;
    assert_eq!(event(&world.get(&host, "/?").await)["raw"], "");
    assert_eq!(event(&world.get(&host, "/").await).get("raw"), None);
}

#[tokio::test]
async fn a_request_that_is_returned_goes_on_changed_or_as_it_came() {
    let (world, host, _origin) = running("async function handler(event) { return event.request; }").await;
    assert_eq!(
        asked(&world.get(&host, "/page?b=2&a=1&b=1").await).uri,
        "/page?b=2&a=1&b=1"
    );
    let code = "function handler(event) {
        const request = event.request;
        request.uri = '/other';
        request.querystring = { a: { value: '1' }, b: { value: 'x', multiValue: [{ value: 'x' }, { value: 'y' }] } };
        request.headers['x-new'] = { value: 'added' };
        return request;
    }";
    let (world, host, _origin) = running(code).await;
    let asked = asked(&world.get(&host, "/page?b=2").await);
    assert_eq!(asked.uri, "/other?a=1&b=x&b=y");
    assert_eq!(asked.headers["x-new"], "added");
}

#[tokio::test]
async fn an_error_is_503_and_a_value_that_can_not_be_used_is_502() {
    let hog = "function handler(event) { const all = []; for (;;) all.push('x'.repeat(1e6) + all.length); }";
    for code in [
        "function handler(event) { throw new Error('no'); }",
        "function handler(event) { return nothing.at.all; }",
        "function handler(event) { return eval('event.request'); }",
        "async function handler(event) { await new Promise(() => {}); }",
        "function handler(event) { for (;;) {} }",
        hog,
        "function handler(event) { return handler(event); }",
        "no code",
        "function other(event) {}",
    ] {
        let (world, host, _origin) = running(code).await;
        let answer = world.get(&host, "/").await;
        assert_eq!(answer.status(), 503, "{code}");
        assert_eq!(header(&answer, "x-cache"), "FunctionExecutionError from cloudfront");
    }
    for code in [
        "function handler(event) {}",
        "function handler(event) { return 7; }",
        "function handler(event) { return { statusCode: 9999 }; }",
        "function handler(event) { return { statusCode: 200, headers: { connection: { value: 'close' } } }; }",
    ] {
        let (world, host, _origin) = running(code).await;
        let answer = world.get(&host, "/").await;
        assert_eq!(answer.status(), 502, "{code}");
        assert_eq!(header(&answer, "x-cache"), "FunctionValidationError from cloudfront");
    }
}

#[tokio::test]
async fn what_is_published_runs_at_once_and_what_is_only_written_does_not() {
    let (world, host, _origin) = running("function handler(event) { return { statusCode: 410 }; }").await;
    assert_eq!(world.get(&host, "/").await.status(), 410);
    let described = world.cloudfront.describe_function().name("one").send().await.unwrap();
    let update = world
        .cloudfront
        .update_function()
        .name("one")
        .if_match(described.e_tag.unwrap());
    let update = update
        .function_config(config())
        .function_code(Blob::new("function handler(event) { return { statusCode: 418 }; }"));
    let etag = update.send().await.unwrap().e_tag.unwrap();
    assert_eq!(world.get(&host, "/").await.status(), 410);
    world.publish("one", &etag).await;
    assert_eq!(world.get(&host, "/").await.status(), 418);
}

#[tokio::test]
async fn the_viewer_protocol_policy_comes_before_the_function() {
    let (world, ..) = running(ECHO).await;
    let arn = "arn:aws:cloudfront::123456789012:function/one";
    let mut config = using("b", &[(arn, EventType::ViewerRequest)]);
    default_behaviour(&mut config).viewer_protocol_policy = ViewerProtocolPolicy::RedirectToHttps;
    let host = world.create(config).await.0.domain_name;
    let answer = world.get(&host, "/").await;
    assert_eq!((answer.status().as_u16(), header(&answer, "x-made")), (301, ""));
}
