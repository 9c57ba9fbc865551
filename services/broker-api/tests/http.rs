//! The API over HTTP, without a database: whatever is refused before one is needed, and the answer when it is down.

#![expect(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in tests, which helpers beside them are not"
)]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use broker_api::settings::Settings;
use broker_api::{Broker, app, serve};
use clap::Parser as _;
use messaging::Messaging;
use serde_json::{Value, json};
use store::Store;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

/// base64 of `u:p`.
const AUTH: &str = "Authorization: Basic dTpw\r\n";
const VERSION: &str = "X-Broker-API-Version: 2.17\r\n";
const SERVICE: &str = "6f2b1a52-7c6a-4b0e-9d0c-3a4d3c1c5e01";
const PLAN: &str = "b0c7b3a4-0c3e-4f55-8a2e-5d1f6c2f9e02";
const INSTANCE: &str = "/v2/service_instances/i1";

struct Answer {
    status: u16,
    head: String,
    body: Value,
}

/// Of a broker whose database and RabbitMQ are not there.
fn settings() -> Settings {
    // Secrets come from files, since a test must not change its own environment.
    let folder = tempfile::tempdir().unwrap();
    let secret = |flag: &str, value: &str| {
        let path = folder.path().join(flag);
        std::fs::write(&path, value).unwrap();
        format!("--{flag}-file={}", path.display())
    };
    Settings::parse_from([
        "broker-api",
        "--broker-username=u",
        &secret("broker-password", "p"),
        &secret("broker-password-previous", "before"),
        "--acme-responder-url=http://broker.example.com",
        "--default-origin=router.example.net",
        &secret("database-url", "postgres://nobody@127.0.0.1:1/none"),
        "--database-timeout=500ms",
        &secret("amqp-url", "amqp://127.0.0.1:1"),
    ])
}

/// A broker whose database and RabbitMQ are not there.
async fn broker() -> std::net::SocketAddr {
    serving(settings()).await
}

async fn serving(settings: Settings) -> std::net::SocketAddr {
    let limits = settings.broker.limits.clone();
    let store = Store::new(&settings.database, "test").unwrap();
    let messaging = Arc::new(Messaging::new(settings.amqp, "test"));
    let broker = Broker::new(store, messaging, settings.schedules, &settings.broker);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let never = std::future::pending();
    tokio::spawn(async move { serve(listener, app(broker), &limits, never, Duration::ZERO).await });
    address
}

async fn send(to: std::net::SocketAddr, line: &str, headers: &str, body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: b\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server may have answered and hung up before a body that is too large is through.
    let _ = stream.write_all(body).await;
    let mut raw = Vec::new();
    let _ = stream.read_to_end(&mut raw).await;
    let text = String::from_utf8(raw).unwrap();
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("{line}: {text:?}"));
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_lowercase(),
        body: serde_json::from_str(body).unwrap_or_else(|_| Value::from(body)),
    }
}

fn provision(parameters: Value) -> Vec<u8> {
    let body = json!({"service_id": SERVICE, "plan_id": PLAN, "parameters": parameters, "unknown": 1});
    body.to_string().into_bytes()
}

#[tokio::test]
async fn authentication_comes_first_then_the_version() {
    let to = broker().await;
    for path in ["/v2/catalog", INSTANCE, "/v2/nothing"] {
        let answer = send(to, &format!("GET {path}"), "", b"").await;
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.head.contains("www-authenticate: basic realm="));
        assert!(answer.body["description"].is_string());
    }
    let wrong = format!("Authorization: Basic dTpx\r\n{VERSION}");
    assert_eq!(send(to, "GET /v2/catalog", &wrong, b"").await.status, 401);
    let identity = "X-Broker-API-Request-Identity: abc-1\r\n";
    let answer = send(to, "GET /v2/catalog", &format!("{AUTH}{identity}"), b"").await;
    assert_eq!(answer.status, 400);
    assert!(answer.head.contains("x-broker-api-request-identity: abc-1"));
    assert!(answer.body["description"].as_str().unwrap().contains("is missing"));
    let old = format!("{AUTH}X-Broker-API-Version: 2.12\r\n");
    assert_eq!(send(to, "GET /v2/catalog", &old, b"").await.status, 412);
}

#[tokio::test]
async fn the_password_before_is_taken_as_well() {
    let to = broker().await;
    // base64 of `u:before`.
    let before = format!("Authorization: Basic dTpiZWZvcmU=\r\n{VERSION}");
    assert_eq!(send(to, "GET /v2/catalog", &before, b"").await.status, 200);
}

#[tokio::test]
async fn the_catalog_has_one_service_and_one_plan() {
    let to = broker().await;
    let answer = send(to, "GET /v2/catalog", &format!("{AUTH}{VERSION}"), b"").await;
    assert_eq!(answer.status, 200);
    let service = &answer.body["services"][0];
    assert_eq!(
        (&service["id"], &service["name"], &service["bindable"]),
        (&json!(SERVICE), &json!("cdn-route"), &json!(false))
    );
    let plan = &service["plans"][0];
    assert_eq!(
        (&plan["id"], &plan["maximum_polling_duration"]),
        (&json!(PLAN), &json!(691_200))
    );
    let properties = &plan["schemas"]["service_instance"]["create"]["parameters"]["properties"];
    assert_eq!(properties["origin"]["default"], "router.example.net");
}

/// Each: request line, body, status, what the description has.
#[tokio::test]
async fn every_refusal_is_an_osbapi_error() {
    let to = broker().await;
    let good = provision(json!({"domains": ["www.example.com"]}));
    let put = "PUT /v2/service_instances/i1?accepts_incomplete=true";
    let with = |field: &str, value: Value| {
        let mut body: Value = serde_json::from_slice(&good).unwrap();
        body[field] = value;
        body.to_string().into_bytes()
    };
    let long_id = format!("PUT /v2/service_instances/{}?accepts_incomplete=true", "a".repeat(256));
    let table: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("PUT /v2/service_instances/i1", good.clone(), 422, "accepts_incomplete"),
        (
            "PUT /v2/service_instances/i1?accepts_incomplete=false",
            good.clone(),
            422,
            "accepts_incomplete",
        ),
        (
            "PUT /v2/service_instances/i1?accepts_incomplete=yes",
            good.clone(),
            400,
            "\"yes\"",
        ),
        (put, b"{".to_vec(), 400, "not JSON"),
        (put, b"".to_vec(), 400, "not JSON"),
        (put, b"\xff\xfe".to_vec(), 400, "not JSON"),
        (put, b"[]".to_vec(), 400, "[] (a list)"),
        (put, vec![b'['; 60_000], 400, "not JSON"),
        (put, vec![b' '; 70_000], 413, "64 KiB"),
        (
            put,
            with("service_id", json!("other")),
            400,
            "service_id: \"other\" is not in the catalog",
        ),
        (put, with("plan_id", json!(null)), 400, "plan_id is missing"),
        (put, with("plan_id", json!(5)), 400, "plan_id: 5 (a number)"),
        (
            put,
            with("context", json!("cf")),
            400,
            "context: \"cf\" is not an object",
        ),
        (
            put,
            with("context", json!({"platform": "cloudfoundry"})),
            400,
            "context.organization_guid is missing",
        ),
        (put, with("space_guid", json!("a\u{0}")), 400, "space_guid: \"a\\0\""),
        (
            put,
            provision(json!({"domains": ["localhost"]})),
            400,
            "domains: \"localhost\" has no dot",
        ),
        (&long_id, good.clone(), 400, "256 bytes"),
        (
            "PUT /v2/service_instances/a%00b?accepts_incomplete=true",
            good.clone(),
            400,
            "control character",
        ),
        (
            "PUT /v2/service_instances/%ff?accepts_incomplete=true",
            good.clone(),
            400,
            "not UTF-8",
        ),
        (
            "PUT /v2/service_instances/?accepts_incomplete=true",
            good.clone(),
            400,
            "is empty",
        ),
        (
            "PATCH /v2/service_instances/i1?accepts_incomplete=true",
            b"{}".to_vec(),
            400,
            "service_id is missing",
        ),
        (
            "PATCH /v2/service_instances/i1?accepts_incomplete=true",
            json!({"service_id": "other"}).to_string().into_bytes(),
            400,
            "service_id: \"other\" is not in the catalog",
        ),
        (
            "PATCH /v2/service_instances/i1",
            b"{}".to_vec(),
            422,
            "accepts_incomplete",
        ),
        ("DELETE /v2/service_instances/i1", vec![], 422, "accepts_incomplete"),
        (
            "DELETE /v2/service_instances/i1?accepts_incomplete=true&plan_id=p",
            vec![],
            400,
            "service_id is missing",
        ),
        (
            "DELETE /v2/service_instances/i1?accepts_incomplete=true&service_id=s&plan_id=",
            vec![],
            400,
            "plan_id is missing",
        ),
        (
            "GET /v2/service_instances/i1/last_operation?operation=a&operation=b",
            vec![],
            400,
            "query",
        ),
        (
            "PUT /v2/service_instances/i1/service_bindings/b1",
            b"{}".to_vec(),
            400,
            "not bindable",
        ),
        (
            "GET /v2/service_instances/i1/service_bindings/b1/last_operation",
            vec![],
            404,
            "not bindable",
        ),
        ("POST /v2/service_instances/i1", b"{}".to_vec(), 405, "\"POST\""),
        ("POST /v2/catalog", b"{}".to_vec(), 405, "\"POST\""),
        ("GET /v2/nothing", vec![], 404, "/v2/catalog"),
        ("GET /nothing", vec![], 404, "/v2/catalog"),
        (put, good.clone(), 503, "database"),
        ("GET /v2/service_instances/i1", vec![], 503, "database"),
        ("GET /v2/service_instances/i1/last_operation", vec![], 503, "database"),
        (
            "DELETE /v2/service_instances/i1?accepts_incomplete=true&service_id=s&plan_id=p",
            vec![],
            503,
            "database",
        ),
    ];
    for (line, body, status, says) in table {
        let answer = send(to, line, &format!("{AUTH}{VERSION}"), &body).await;
        assert_eq!(answer.status, status, "{line}: {}", answer.body);
        let description = answer.body["description"].as_str().unwrap_or_default();
        assert!(description.contains(says), "{line}: {}", answer.body);
        assert!(answer.head.contains("application/json"), "{line}");
        assert_eq!(answer.head.contains("retry-after"), status == 503, "{line}");
        let named = answer.body.get("error").and_then(Value::as_str);
        assert_eq!(named, (status == 422).then_some("AsyncRequired"), "{line}");
    }
}

#[tokio::test]
async fn the_responder_needs_no_authentication_and_asks_only_for_tokens() {
    let to = broker().await;
    for (path, status) in [
        ("/acme/o1/.well-known/acme-challenge/a.b", 404),
        ("/acme/o1/.well-known/acme-challenge/a%2Fb", 404),
        ("/acme/o%201/.well-known/acme-challenge/abc", 404),
        ("/acme/o1/.well-known/acme-challenge/abc", 503),
    ] {
        let answer = send(to, &format!("GET {path}"), "", b"").await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.head.contains("cache-control: no-store"), "{path}");
        assert!(answer.head.contains("text/plain"), "{path}");
    }
}

#[tokio::test]
async fn requests_in_hand_are_finished_at_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let slow = Router::new().route(
        "/slow",
        axum::routing::get(|| async {
            tokio::time::sleep(Duration::from_millis(400)).await;
            "done"
        }),
    );
    let shutdown = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        Ok(())
    };
    let limits = settings().broker.limits;
    let (answer, served) = tokio::join!(
        send(to, "GET /slow", "", b""),
        serve(listener, slow, &limits, shutdown, Duration::from_secs(5))
    );
    assert_eq!((answer.status, answer.body), (200, json!("done")));
    served.unwrap();
}

/// Short limits, for tests of clients that don't keep to them.
fn strict() -> Settings {
    let mut settings = settings();
    settings.broker.limits.head_timeout = Duration::from_secs(1);
    settings.broker.limits.body_timeout = Duration::from_secs(1);
    settings.broker.limits.answer_timeout = Duration::from_secs(1);
    settings
}

/// Limits of a second must show within this time, on a busy machine too.
const SOON: Duration = Duration::from_secs(8);

/// Sends `first`, then a byte every fifth of a second, until the server hangs up; what it said.
async fn drip(to: std::net::SocketAddr, first: &str) -> String {
    let (mut from, mut into) = TcpStream::connect(to).await.unwrap().into_split();
    into.write_all(first.as_bytes()).await.unwrap();
    let dripping = tokio::spawn(async move {
        while into.write_all(b"x").await.is_ok() {
            sleep(Duration::from_millis(200)).await;
        }
    });
    let mut said = Vec::new();
    let ended = timeout(SOON, from.read_to_end(&mut said)).await;
    dripping.abort();
    assert!(ended.is_ok(), "not cut off within {SOON:?}");
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn slow_heads_are_cut_off_while_others_are_served() {
    let to = serving(strict()).await;
    let slow: Vec<_> = (0..50)
        .map(|_| tokio::spawn(drip(to, "GET /v2/catalog HTTP/1.1\r\nHost: b\r\nX-Slow: ")))
        .collect();
    let good = format!("{AUTH}{VERSION}");
    for _ in 0..20 {
        let answer = timeout(Duration::from_millis(900), send(to, "GET /v2/catalog", &good, b"")).await;
        assert_eq!(answer.expect("served at once").status, 200);
    }
    for one in slow {
        let said = one.await.unwrap();
        assert!(!said.contains("200 OK"), "{said}");
    }
}

#[tokio::test]
async fn a_slow_body_is_cut_off() {
    let to = serving(strict()).await;
    let head = format!(
        "PUT {INSTANCE}?accepts_incomplete=true HTTP/1.1\r\nHost: b\r\nContent-Length: 1000\r\n{AUTH}{VERSION}\r\n{{"
    );
    let said = drip(to, &head).await;
    assert!(said.starts_with("HTTP/1.1 408") && said.contains("within 1s"), "{said}");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let to = serving(strict()).await;
    let mut stream = TcpStream::connect(to).await.unwrap();
    let request = format!("GET /v2/catalog HTTP/1.1\r\nHost: b\r\n{AUTH}{VERSION}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    timeout(SOON, stream.read_to_end(&mut said))
        .await
        .expect("closed")
        .unwrap();
    assert!(said.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn whoever_never_reads_is_cut_off() {
    let to = serving(strict()).await;
    let mut stream = TcpStream::connect(to).await.unwrap();
    let request = format!("GET /v2/catalog HTTP/1.1\r\nHost: b\r\n{AUTH}{VERSION}\r\n");
    // Answers pile up until the server can't write any more, then it doesn't read either.
    let asking = async { while stream.write_all(request.as_bytes()).await.is_ok() {} };
    timeout(SOON * 3, asking).await.expect("cut off");
}

#[tokio::test]
async fn too_large_heads_and_bodies_are_refused() {
    let to = broker().await;
    let large = format!("{AUTH}{VERSION}X-Large: {}\r\n", "x".repeat(40_000));
    assert_eq!(send(to, "GET /v2/catalog", &large, b"").await.status, 431);
    let allowed = format!("{AUTH}{VERSION}X-Large: {}\r\n", "x".repeat(30_000));
    assert_eq!(send(to, "GET /v2/catalog", &allowed, b"").await.status, 200);
    let many = format!("{AUTH}{VERSION}{}", "X-Many: x\r\n".repeat(100));
    assert_eq!(send(to, "GET /v2/catalog", &many, b"").await.status, 431);

    // A body whose length is not told before.
    let mut stream = TcpStream::connect(to).await.unwrap();
    let head = format!(
        "PUT {INSTANCE}?accepts_incomplete=true HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n{AUTH}{VERSION}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..5 {
        let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
        stream.write_all(chunk.as_bytes()).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    is_too_large(stream).await;

    // A client that writes all of it before it reads is told, too, and finds no broken pipe.
    let mut stream = TcpStream::connect(to).await.unwrap();
    let head = format!(
        "PUT {INSTANCE}?accepts_incomplete=true HTTP/1.1\r\nHost: b\r\nContent-Length: 2000000\r\n{AUTH}{VERSION}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..100 {
        stream.write_all(&[b' '; 20_000]).await.unwrap();
    }
    is_too_large(stream).await;

    // There is an end to that.
    let mut stream = TcpStream::connect(to).await.unwrap();
    let head = head.replace("2000000", "2000000000");
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..250 {
        if stream.write_all(&[b' '; 20_000]).await.is_err() {
            break;
        }
    }
    let mut said = Vec::new();
    let ended = timeout(SOON, stream.read_to_end(&mut said)).await;
    assert!(ended.is_ok(), "not cut off");
}

async fn is_too_large(mut stream: TcpStream) {
    let mut status = [0; 12];
    timeout(SOON, stream.read_exact(&mut status)).await.unwrap().unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
}

#[tokio::test]
async fn more_connections_than_allowed_wait_for_a_seat() {
    let mut settings = strict();
    settings.broker.limits.max_connections = 2;
    let to = serving(settings).await;
    let begun = Instant::now();
    let idle = (
        TcpStream::connect(to).await.unwrap(),
        TcpStream::connect(to).await.unwrap(),
    );
    let answer = timeout(SOON, send(to, "GET /v2/catalog", &format!("{AUTH}{VERSION}"), b"")).await;
    assert_eq!(answer.expect("served once a seat is free").status, 200);
    assert!(begun.elapsed() > Duration::from_millis(800), "{:?}", begun.elapsed());
    drop(idle);
}
