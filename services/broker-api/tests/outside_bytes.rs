//! Whole requests with arbitrary content: answered or refused with a description, never a fault of the broker
//! (docs/fuzzing.md). The database is unavailable, so a request that is not refused earlier ends in 503.

#![expect(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in tests, which helpers beside them are not"
)]

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use broker_api::settings::Settings;
use broker_api::{Broker, app};
use clap::Parser as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use messaging::Messaging;
use page_keys::PageKeys;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use store::Store;
use tokio::runtime::Runtime;

const SERVICE: &str = "6f2b1a52-7c6a-4b0e-9d0c-3a4d3c1c5e01";
const PLAN: &str = "b0c7b3a4-0c3e-4f55-8a2e-5d1f6c2f9e02";
const PAGE_KEYS: &str = "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static BROKER: LazyLock<Router> = LazyLock::new(|| {
    // Secrets come from files, since a test must not change its own environment.
    let folder = tempfile::tempdir().unwrap();
    let secret = |flag: &str, value: &str| {
        let path = folder.path().join(flag);
        std::fs::write(&path, value).unwrap();
        format!("--{flag}-file={}", path.display())
    };
    let settings = Settings::parse_from([
        "broker-api",
        "--broker-username=u",
        &secret("broker-password", "p"),
        "--acme-responder-url=http://broker.example.com",
        "--default-origin=router.example.net",
        &secret("database-url", "postgres://nobody@127.0.0.1:1/none"),
        "--database-timeout=500ms",
        &secret("amqp-url", "amqp://127.0.0.1:1"),
        "--pages-url=https://broker.example.com",
        &secret("page-keys", PAGE_KEYS),
    ]);
    let store = Store::new(&settings.database, "test").unwrap();
    let messaging = Arc::new(Messaging::new(settings.amqp, "test"));
    app(Broker::new(store, messaging, settings.schedules, &settings.broker))
});

/// The path of a page, by a link that is signed.
static LINK: LazyLock<String> = LazyLock::new(|| {
    let keys = PageKeys::parse(PAGE_KEYS).unwrap();
    page_keys::path("i1", &keys.token("i1", 1))
});

type Headers = Vec<(&'static str, Vec<u8>)>;

fn usual() -> Headers {
    vec![
        ("authorization", b"Basic dTpw".to_vec()),
        ("x-broker-api-version", b"2.17".to_vec()),
    ]
}

/// The response's status and body; `None` for input that can't be expressed as a request.
fn send(method: Method, path: &str, headers: &Headers, body: &[u8]) -> Option<(StatusCode, Bytes)> {
    let uri: Uri = path.parse().ok()?;
    let mut request = Request::new(Body::from(body.to_vec()));
    (*request.method_mut(), *request.uri_mut()) = (method, uri);
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(value).ok()?;
        request.headers_mut().insert(HeaderName::from_static(name), value);
    }
    Some(RUNTIME.block_on(async {
        let answer = TowerToHyperService::new(BROKER.clone()).call(request).await.unwrap();
        let status = answer.status();
        (status, to_bytes(answer.into_body(), 1 << 20).await.unwrap())
    }))
}

/// Refused, with a description of the reason: short, on one line.
fn told(status: StatusCode, body: &[u8]) -> Result<String, TestCaseError> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = body["description"].as_str().unwrap_or_default().to_string();
    prop_assert!(!text.is_empty(), "{} {}", status, body);
    prop_assert!(
        text.len() <= 3000 && !text.contains(char::is_control),
        "{} {:?}",
        status,
        text
    );
    Ok(text)
}

/// A 4xx with a description, or the 503 of the unavailable database; returns the text.
fn refused_or_stored(answer: Option<(StatusCode, Bytes)>) -> Result<Option<String>, TestCaseError> {
    let Some((status, body)) = answer else { return Ok(None) };
    let text = told(status, &body)?;
    if status == StatusCode::SERVICE_UNAVAILABLE {
        prop_assert!(text.contains("database does not answer"), "{}", text);
        return Ok(None);
    }
    prop_assert!(status.is_client_error(), "{} {}", status, text);
    Ok(Some(text))
}

fn provision(body: &[u8]) -> Option<(StatusCode, Bytes)> {
    send(
        Method::PUT,
        "/v2/service_instances/i1?accepts_incomplete=true",
        &usual(),
        body,
    )
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9-]{0,40}",
        any::<String>(),
        (0_usize..400, any::<char>()).prop_map(|(times, c)| c.to_string().repeat(times))
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..4).prop_map(Value::from_iter),
        ]
    })
}

fn context() -> impl Strategy<Value = Value> {
    let platform = prop_oneof![Just(json!("cloudfoundry")), Just(json!("kubernetes")), anything()];
    let field = prop::sample::select(vec!["organization_guid", "clusterid", "namespace", "space_guid"]);
    let value = prop_oneof![text().prop_map(Value::from), anything()];
    prop_oneof![
        4 => (platform, prop::collection::vec((field, value), 0..4)).prop_map(|(platform, fields)| {
            let mut context = Map::from_iter([("platform".to_string(), platform)]);
            context.extend(fields.into_iter().map(|(key, value)| (key.to_string(), value)));
            Value::Object(context)
        }),
        1 => anything(),
    ]
}

/// The catalog's id, or another one.
fn id(right: &'static str) -> impl Strategy<Value = Value> {
    prop_oneof![6 => Just(json!(right)), 1 => anything()]
}

fn few() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: usual.cases.div_ceil(2),
        ..usual
    }
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn bytes_as_a_body_are_refused_with_words(body in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..400),
        any::<String>().prop_map(String::into_bytes),
        anything().prop_filter("no object", |json| !json.is_object()).prop_map(|json| json.to_string().into_bytes()),
        (1_usize..2000).prop_map(|depth| "[{\"a\":".repeat(depth).into_bytes()),
        Just(vec![b' '; 70_000]),
    ]) {
        let told = refused_or_stored(provision(&body))?;
        let told = told.unwrap_or_default();
        prop_assert!(told.starts_with("The request's body ") && told.chars().count() < 200 * 5, "{}", told);
    }

    #[test]
    fn json_as_a_body_is_stored_or_refused_with_the_fields_name(
        service in id(SERVICE), plan in id(PLAN), context in context(), parameters in prop_oneof![
            Just(json!({"domains": ["www.example.com"]})), anything(),
        ],
        beside in prop::option::of(text()), more in (text(), anything()), maintenance in prop::option::of(anything()),
    ) {
        let mut body = Map::from_iter([more]);
        for (key, value) in [("service_id", service), ("plan_id", plan), ("context", context), ("parameters", parameters)] {
            body.insert(key.to_string(), value);
        }
        if let Some(maintenance) = maintenance {
            body.insert("maintenance_info".into(), maintenance);
        }
        if let Some(beside) = beside {
            body.insert("organization_guid".into(), beside.clone().into());
            body.insert("space_guid".into(), beside.into());
        }
        if let Some(told) = refused_or_stored(provision(&serde_json::to_vec(&body)?))? {
            let named = [
                "service_id", "plan_id", "maintenance_info", "context", "organization_guid", "space_guid", "parameters", "domain",
                "origin",
            ];
            prop_assert!(named.iter().any(|name| told.starts_with(name)), "{}", told);
        }
    }

    #[test]
    fn ids_and_queries_are_refused_with_words(
        id in prop_oneof!["[a-z0-9-]{0,300}", "(%[0-9a-fA-F]{2}){1,300}", "[ -~]{1,60}"],
        query in prop_oneof!["(accepts_incomplete|service_id|plan_id|operation)=[a-z0-9%+-]{0,20}(&[a-z_]{0,9}=?){0,3}", "[!-~]{0,60}"],
        tail in prop::sample::select(vec!["", "/last_operation", "/service_bindings/b1", "/"]),
        method in prop::sample::select(vec![Method::GET, Method::PUT, Method::DELETE, Method::PATCH, Method::POST]),
    ) {
        let path = format!("/v2/service_instances/{id}{tail}?{query}");
        refused_or_stored(send(method.clone(), &path, &usual(), b"{}").filter(|(status, _)| {
            // Except HEAD and bare 404, every response has a description.
            *status != StatusCode::OK || method != Method::GET
        }))?;
    }

    #[test]
    fn credentials_and_versions_are_refused_with_words(
        authorization in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            "(?i)basic [A-Za-z0-9+/]{0,30}={0,3}".prop_map(String::into_bytes),
        ],
        version in prop_oneof![prop::collection::vec(any::<u8>(), 0..60), "[0-9.]{0,12}".prop_map(String::into_bytes)],
    ) {
        let unknown = vec![("authorization", authorization)];
        if let Some((status, body)) = send(Method::GET, "/v2/catalog", &unknown, b"") {
            prop_assert_eq!(status, StatusCode::UNAUTHORIZED);
            told(status, &body)?;
        }
        let mut headers = usual();
        headers[1].1 = version;
        if let Some((status, body)) = send(Method::GET, "/v2/catalog", &headers, b"") {
            let minor = std::str::from_utf8(&headers[1].1).ok().and_then(|text| text.trim().strip_prefix("2.")?.parse::<u32>().ok());
            if status == StatusCode::OK {
                prop_assert!(minor.is_some_and(|minor| minor >= 13));
            } else {
                prop_assert_eq!(status, StatusCode::PRECONDITION_FAILED);
                prop_assert!(told(status, &body)?.starts_with("X-Broker-API-Version "));
            }
        }
    }

    #[test]
    fn identities_refuse_nothing(
        user in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "cloudfoundry [A-Za-z0-9+/_-]{0,60}={0,3}".prop_map(String::into_bytes),
        ],
        request in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let mut headers = usual();
        headers.push(("x-broker-api-originating-identity", user));
        headers.push(("x-broker-api-request-identity", request));
        let body = json!({"service_id": SERVICE, "plan_id": PLAN, "parameters": {"domains": ["www.example.com"]}});
        let path = "/v2/service_instances/i1?accepts_incomplete=true";
        if let Some((status, _)) = send(Method::PUT, path, &headers, body.to_string().as_bytes()) {
            prop_assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        }
    }

    #[test]
    fn a_link_that_nobody_signed_asks_the_database_for_nothing_and_has_one_answer(
        id in prop_oneof!["[a-z0-9-]{1,40}", "(%[0-9a-fA-F]{2}){1,9}", "[!-~]{1,20}"],
        token in prop_oneof!["k1\\.[0-9+-]{1,12}\\.[A-Za-z0-9_-]{43}", "(%[0-9a-fA-F]{2}){1,40}", "[!-~]{1,60}"],
        below in prop::sample::select(vec!["", "/records.csv", "/records.%00", "/a/b"]),
    ) {
        let path = format!("/i/{id}/{token}{below}");
        let Some((status, body)) = send(Method::GET, &path, &Vec::new(), b"") else { return Ok(()) };
        prop_assert_eq!(status, StatusCode::NOT_FOUND, "{}", path);
        prop_assert!(body.starts_with(b"There is no page at this address."), "{}", path);
    }

    #[test]
    fn whatever_is_sent_as_a_form_the_link_is_judged_first(
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..400),
            "domain=[a-z0-9.%+-]{0,40}&form=k1\\.[0-9+-]{1,20}\\.[A-Za-z0-9_-]{43}".prop_map(String::into_bytes),
            Just(vec![b'a'; 70_000]),
        ],
        site in prop::collection::vec(any::<u8>(), 0..20),
        origin in prop::collection::vec(any::<u8>(), 0..40),
        kind in prop::sample::select(vec!["application/x-www-form-urlencoded", "application/json", ""]),
    ) {
        let headers = vec![
            ("sec-fetch-site", site),
            ("origin", origin),
            ("content-type", kind.as_bytes().to_vec()),
        ];
        let signed = LINK.as_str();
        for (path, expected) in [
            (format!("{signed}/check"), 503),
            (format!("{signed}x/check"), 404),
            (format!("{signed}/outside"), 503),
            (format!("{signed}x/outside"), 404),
        ] {
            let Some((status, _)) = send(Method::POST, &path, &headers, &body) else { return Ok(()) };
            prop_assert_eq!(status.as_u16(), expected, "{}", path);
        }
    }

    #[test]
    fn the_responder_asks_the_database_for_nothing_but_tokens(
        tenant in prop_oneof!["[a-z0-9~.-]{1,40}", "(%[0-9a-fA-F]{2}){1,9}"],
        token in prop_oneof!["[A-Za-z0-9_-]{129,200}", "(%[0-9a-fA-F]{2}){1,40}", "[!-~]{1,60}"],
    ) {
        let path = format!("/acme/{tenant}/.well-known/acme-challenge/{token}");
        let Some((status, _)) = send(Method::GET, &path, &Vec::new(), b"") else { return Ok(()) };
        prop_assert!(matches!(status.as_u16(), 404 | 503), "{} {}", path, status);
    }
}
