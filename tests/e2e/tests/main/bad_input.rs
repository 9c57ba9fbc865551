//! Bad requests: each gets the right 4xx and an OSBAPI error body that names what is wrong and what would be right, and
//! nothing is stored.

use customer::Answer;
use customer::platform::{PLAN_ID, SERVICE_ID, answer, provision_body};
use parameters::bad_input::{bad_parameters, bad_parameters_with_default_origin};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{World, domain, world};

/// Rows of every table that a request could have left behind.
async fn stored(world: &World, organization: &str) -> anyhow::Result<i64> {
    let row = world
        .sql()
        .await?
        .query_one(
            "select (select count(*) from instances where tenant = $1) + (select count(*) from claims where tenant = $1)",
            &[&organization],
        )
        .await?;
    Ok(row.get(0))
}

fn check(name: &str, answer: &Answer, status: u16, words: &[&str]) {
    assert_eq!(answer.status, status, "{name}: {}", answer.text);
    assert!(
        answer.body.is_object(),
        "{name}: an OSBAPI error body, not {:?}",
        answer.text
    );
    let description = answer.description();
    assert!(!description.is_empty(), "{name}: a description, not {:?}", answer.text);
    for word in words {
        assert!(description.contains(word), "{name}: {word:?} in {description:?}");
    }
}

#[tokio::test]
async fn bad_parameters_are_named_and_nothing_is_stored() -> anyhow::Result<()> {
    let world = world().await;
    let organization = crate::world::organization();
    let table: Vec<_> = bad_parameters()
        .into_iter()
        .chain(bad_parameters_with_default_origin())
        .collect();
    assert!(table.len() >= 60, "only {} bad requests", table.len());
    for (name, parameters, words) in table {
        let id = Uuid::new_v4().to_string();
        let answer = world.platform.provision(&id, &organization, parameters).await?;
        check(name, &answer, 400, words);
        assert_eq!(
            world.platform.last_operation(&id).await?.status,
            404,
            "{name}: nothing is stored"
        );
    }
    assert_eq!(stored(world, &organization).await?, 0);
    Ok(())
}

const PUT: &str = "/v2/service_instances/bad-request?accepts_incomplete=true";

#[tokio::test]
async fn bad_requests_are_answered_by_the_specification() -> anyhow::Result<()> {
    let world = world().await;
    let organization = crate::world::organization();
    let good = || provision_body(&organization, json!({"domains": [domain("bad-request")]}));
    let without = |field: &str| {
        let mut body = good();
        body.as_object_mut().map(|fields| fields.remove(field));
        body
    };
    let with = |field: &str, value: Value| {
        let mut body = good();
        body[field] = value;
        body
    };
    let no_incomplete = "/v2/service_instances/bad-request";
    let delete = format!("{no_incomplete}?accepts_incomplete=true&service_id={SERVICE_ID}&plan_id={PLAN_ID}");
    let delete_sync = format!("{no_incomplete}?service_id={SERVICE_ID}&plan_id={PLAN_ID}");
    let long_id = format!("/v2/service_instances/{}?accepts_incomplete=true", "x".repeat(300));
    type Row<'a> = (&'a str, Method, &'a str, Option<Value>, u16, &'a [&'a str]);
    let table: Vec<Row> = vec![
        (
            "synchronous provision",
            Method::PUT,
            no_incomplete,
            Some(good()),
            422,
            &["accepts_incomplete"],
        ),
        (
            "accepts_incomplete=false",
            Method::PUT,
            "/v2/service_instances/bad-request?accepts_incomplete=false",
            Some(good()),
            422,
            &["accepts_incomplete"],
        ),
        (
            "no service_id",
            Method::PUT,
            PUT,
            Some(without("service_id")),
            400,
            &["service_id"],
        ),
        (
            "no plan_id",
            Method::PUT,
            PUT,
            Some(without("plan_id")),
            400,
            &["plan_id"],
        ),
        (
            "unknown service",
            Method::PUT,
            PUT,
            Some(with("service_id", json!("nope"))),
            400,
            &["service_id", "nope"],
        ),
        (
            "unknown plan",
            Method::PUT,
            PUT,
            Some(with("plan_id", json!("nope"))),
            400,
            &["plan_id", "nope"],
        ),
        (
            "service_id of a wrong type",
            Method::PUT,
            PUT,
            Some(with("service_id", json!(7))),
            400,
            &["service_id"],
        ),
        (
            "no parameters",
            Method::PUT,
            PUT,
            Some(without("parameters")),
            400,
            &["domains"],
        ),
        (
            "parameters of a wrong type",
            Method::PUT,
            PUT,
            Some(with("parameters", json!("www.example.com"))),
            400,
            &["parameters"],
        ),
        (
            "a body that is a list",
            Method::PUT,
            PUT,
            Some(json!([1, 2])),
            400,
            &["object"],
        ),
        (
            "an instance id that is too long",
            Method::PUT,
            &long_id,
            Some(good()),
            400,
            &["instance"],
        ),
        ("delete of the unknown", Method::DELETE, &delete, None, 410, &[]),
        (
            "synchronous delete",
            Method::DELETE,
            &delete_sync,
            None,
            422,
            &["accepts_incomplete"],
        ),
        (
            "delete without service_id",
            Method::DELETE,
            "/v2/service_instances/bad-request?accepts_incomplete=true",
            None,
            400,
            &["service_id"],
        ),
        (
            "last_operation of the unknown",
            Method::GET,
            "/v2/service_instances/bad-request/last_operation",
            None,
            404,
            &[],
        ),
        (
            "fetch of the unknown",
            Method::GET,
            "/v2/service_instances/bad-request",
            None,
            404,
            &[],
        ),
        (
            "binding",
            Method::PUT,
            "/v2/service_instances/bad-request/service_bindings/b",
            Some(json!({})),
            400,
            &["bind"],
        ),
        ("an unknown path", Method::GET, "/v2/nothing-here", None, 404, &[]),
        ("a wrong method", Method::POST, "/v2/catalog", None, 405, &[]),
    ];
    for (name, method, path, body, status, words) in table {
        let answer = world.platform.call(method, path, body.as_ref()).await?;
        if words.is_empty() {
            assert_eq!(answer.status, status, "{name}: {}", answer.text);
            assert!(answer.body.is_object(), "{name}: {:?}", answer.text);
        } else {
            check(name, &answer, status, words);
        }
    }
    assert_eq!(stored(world, &organization).await?, 0);
    Ok(())
}

#[tokio::test]
async fn bad_credentials_versions_and_bodies_are_refused() -> anyhow::Result<()> {
    let world = world().await;
    let (user, password) = world.platform.credentials();
    let bare = |method: Method, path: &str| world.platform.bare(method, path);
    let version = |request: reqwest::RequestBuilder, value: &str| {
        request
            .basic_auth(user, Some(password))
            .header("X-Broker-API-Version", value)
    };
    let catalog = || bare(Method::GET, "/v2/catalog");
    let raw = |body: &'static str| version(bare(Method::PUT, PUT), "2.17").body(body);
    let huge = format!("{{\"x\":\"{}\"}}", "x".repeat(2_000_000));
    let mut requests = vec![
        ("no credentials", catalog().header("X-Broker-API-Version", "2.17"), 401),
        (
            "wrong password",
            catalog()
                .basic_auth(user, Some("wrong"))
                .header("X-Broker-API-Version", "2.17"),
            401,
        ),
        (
            "wrong user",
            catalog()
                .basic_auth("wrong", Some(password))
                .header("X-Broker-API-Version", "2.17"),
            401,
        ),
        ("no version", catalog().basic_auth(user, Some(password)), 400),
        ("version 1", version(catalog(), "1.0"), 412),
        ("version 3", version(catalog(), "3.0"), 412),
        ("version of words", version(catalog(), "latest"), 412),
        ("no JSON", raw("{"), 400),
        ("no body", raw(""), 400),
        (
            "not UTF-8",
            version(bare(Method::PUT, PUT), "2.17").body(vec![0xff_u8, 0xfe]),
            400,
        ),
        ("a huge body", version(bare(Method::PUT, PUT), "2.17").body(huge), 413),
    ];
    for (name, request, status) in requests.drain(..) {
        let answer = answer(request).await?;
        check(name, &answer, status, &[]);
        if status == 401 {
            assert!(
                answer
                    .header("www-authenticate")
                    .is_some_and(|v| v.starts_with("Basic")),
                "{name}"
            );
        }
    }
    let echoed = version(catalog(), "2.17").header("X-Broker-API-Request-Identity", "abc-123");
    let answer = answer(echoed).await?;
    assert_eq!(
        (answer.status, answer.header("x-broker-api-request-identity")),
        (200, Some("abc-123"))
    );
    Ok(())
}
