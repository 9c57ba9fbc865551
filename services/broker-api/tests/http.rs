//! The API over HTTP, without a database: requests that are refused before a database is needed, and the response when
//! it is down.

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
use tokio::time::{sleep, timeout};

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

/// The settings of a broker whose database and RabbitMQ are unavailable.
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

/// A broker whose database and RabbitMQ are unavailable.
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
    // The server may have answered and closed the connection before an oversized body is sent.
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

/// Each: request line, body, status, expected part of the description.
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
            "PUT /v2/service_instances/i1?accepts_incomplete=TRUE",
            good.clone(),
            422,
            "accepts_incomplete is \"TRUE\"; write accepts_incomplete=true",
        ),
        (put, b"{".to_vec(), 400, "not JSON"),
        (put, b"".to_vec(), 400, "not JSON"),
        (put, b"\xff\xfe".to_vec(), 400, "not JSON"),
        (put, b"[]".to_vec(), 400, "[] (a list)"),
        (put, vec![b'['; 60_000], 400, "not JSON"),
        (put, vec![b' '; 1_100_000], 413, "1 MiB"),
        (put, [vec![b' '; 900_000], b"[]".to_vec()].concat(), 400, "[] (a list)"),
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

/// Short limits, for tests of clients that exceed them.
fn strict() -> Settings {
    let mut settings = settings();
    settings.broker.limits.first_byte_timeout = Duration::from_secs(1);
    settings.broker.limits.head_timeout = Duration::from_secs(1);
    settings.broker.limits.idle_timeout = Duration::from_secs(1);
    settings.broker.limits.body_timeout = Duration::from_secs(1);
    settings.broker.limits.answer_timeout = Duration::from_secs(1);
    settings
}

/// Limits of a second must take effect within this time, on a busy machine too.
const SOON: Duration = Duration::from_secs(8);

/// Sends `first`, then a byte every fifth of a second, until the server closes the connection; returns the response.
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
    // Responses accumulate until the server can't write any more; then it stops reading.
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

    // A body without a declared length.
    let mut stream = TcpStream::connect(to).await.unwrap();
    let head = format!(
        "PUT {INSTANCE}?accepts_incomplete=true HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n{AUTH}{VERSION}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..70 {
        let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
        stream.write_all(chunk.as_bytes()).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    is_too_large(stream).await;

    // A client that writes the whole body before it reads gets the response too, and no broken pipe.
    let mut stream = TcpStream::connect(to).await.unwrap();
    let head = format!(
        "PUT {INSTANCE}?accepts_incomplete=true HTTP/1.1\r\nHost: b\r\nContent-Length: 2000000\r\n{AUTH}{VERSION}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..100 {
        stream.write_all(&[b' '; 20_000]).await.unwrap();
    }
    is_too_large(stream).await;

    // But only up to a limit.
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

/// Silent connections from one address.
async fn silent(to: std::net::SocketAddr, from: &str, count: usize) -> Vec<TcpStream> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(connected(to, from).await);
    }
    all
}

async fn connected(to: std::net::SocketAddr, from: &str) -> TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    socket.connect(to).await.unwrap()
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    matches!(timeout(SOON, stream.read(&mut [0; 1])).await, Ok(Ok(0) | Err(_)))
}

async fn asked(stream: &mut TcpStream, headers: &str) -> String {
    let request = format!("GET /healthz HTTP/1.1\r\nHost: b\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut said = [0; 12];
    timeout(SOON, stream.read_exact(&mut said)).await.unwrap().unwrap();
    // The rest has arrived with it, since it is one small response.
    let mut rest = [0; 1024];
    let _ = stream.read(&mut rest).await.unwrap();
    String::from_utf8_lossy(&said).into_owned()
}

/// Long limits, so that no connection is closed because it reached one.
fn patient(seats: u32, hops: &str) -> Settings {
    let mut settings = settings();
    let limits = &mut settings.broker.limits;
    limits.max_connections = seats;
    limits.trusted_hops = hops.parse().unwrap();
    limits.first_byte_timeout = Duration::from_secs(60);
    limits.idle_timeout = Duration::from_secs(60);
    settings
}

#[tokio::test]
async fn silent_connections_keep_nobody_out() {
    // As one address, or as a load balancer that doesn't name its clients.
    for hops in ["", "private"] {
        let to = serving(patient(20, hops)).await;
        let _silent = silent(to, "127.0.0.9", 100).await;
        for from in ["127.0.0.9", "127.0.0.8"] {
            let mut ours = connected(to, from).await;
            assert_eq!(asked(&mut ours, "").await, "HTTP/1.1 200", "{from} {hops:?}");
            // Nor does the next silent one close it: others have waited longer.
            let _more = silent(to, "127.0.0.9", 5).await;
            assert_eq!(asked(&mut ours, "").await, "HTTP/1.1 200", "{from} {hops:?}");
        }
    }
}

#[tokio::test]
async fn one_address_has_no_more_than_its_limit_and_a_hop_has_none() {
    let mut settings = patient(100, "127.0.0.2");
    settings.broker.limits.connections_per_address = 3;
    let to = serving(settings).await;
    let mut theirs = silent(to, "127.0.0.9", 4).await;
    assert!(is_closed(&mut theirs[0]).await, "the oldest");
    let mut router = silent(to, "127.0.0.2", 10).await;
    for connection in router.iter_mut().chain(&mut theirs[1..]) {
        assert_eq!(asked(connection, "").await, "HTTP/1.1 200");
    }
}

#[tokio::test]
async fn the_first_byte_has_to_come_soon_but_a_router_may_connect_ahead_and_keep_its_connection() {
    let mut settings = patient(100, "127.0.0.2");
    settings.broker.limits.first_byte_timeout = Duration::from_secs(1);
    settings.broker.limits.head_timeout = Duration::from_secs(1);
    let to = serving(settings).await;
    let mut router = connected(to, "127.0.0.2").await;
    let mut others = silent(to, "127.0.0.9", 2).await;
    assert_eq!(asked(&mut others[1], "").await, "HTTP/1.1 200");
    assert!(is_closed(&mut others[0]).await);
    assert_eq!(asked(&mut router, "").await, "HTTP/1.1 200");
    // Between two requests neither limit applies.
    sleep(Duration::from_millis(1500)).await;
    for kept in [&mut router, &mut others[1]] {
        assert_eq!(asked(kept, "").await, "HTTP/1.1 200");
    }
}

#[tokio::test]
async fn a_load_balancer_tells_whose_a_connection_is_by_the_proxy_protocol() {
    let mut settings = patient(100, "127.0.0.2");
    settings.broker.limits.proxy_protocol = true;
    settings.broker.limits.connections_per_address = 2;
    let to = serving(settings).await;
    let announced = async |client: &str| {
        let mut stream = connected(to, "127.0.0.2").await;
        let header = format!("PROXY TCP4 {client} 192.0.2.1 4711 80\r\n");
        stream.write_all(header.as_bytes()).await.unwrap();
        stream
    };
    let mut theirs = Vec::new();
    for _ in 0..3 {
        theirs.push(announced("203.0.113.7").await);
    }
    assert!(is_closed(&mut theirs[0]).await, "one too many of that client");
    let mut other = announced("203.0.113.8").await;
    for connection in theirs[1..].iter_mut().chain([&mut other]) {
        assert_eq!(asked(connection, "").await, "HTTP/1.1 200");
    }
    // A client that is no hop counts as itself; only a hop can name another.
    let mut direct = connected(to, "127.0.0.9").await;
    assert_eq!(asked(&mut direct, "").await, "HTTP/1.1 200");
    let mut forged = connected(to, "127.0.0.9").await;
    forged
        .write_all(b"PROXY TCP4 203.0.113.8 192.0.2.1 1 80\r\nGET /healthz HTTP/1.1\r\nHost: b\r\n\r\n")
        .await
        .unwrap();
    let mut said = [0; 12];
    forged.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"HTTP/1.1 400");
    let mut without = connected(to, "127.0.0.2").await;
    without
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: b\r\n\r\n")
        .await
        .unwrap();
    assert!(is_closed(&mut without).await);
}

/// A request that waits for its response counts as waiting for the client that the router names.
#[tokio::test]
async fn a_router_tells_whose_a_request_is_by_x_forwarded_for() {
    // A database that accepts connections and never responds: a token look-up waits.
    let database = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = database.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut taken = Vec::new();
        while let Ok((stream, _)) = database.accept().await {
            taken.push(stream);
        }
    });
    let mut settings = patient(100, "127.0.0.2");
    settings.database.database_url = format!("postgres://u@127.0.0.1:{port}/none?sslmode=disable")
        .as_str()
        .into();
    settings.database.database_timeout = Duration::from_secs(60).into();
    settings.broker.limits.max_connections = 6;
    settings.broker.limits.connections_per_address = 1;
    let to = serving(settings).await;
    let question = async |client: &str| {
        let mut stream = connected(to, "127.0.0.2").await;
        let request = format!(
            "GET /acme/o/.well-known/acme-challenge/abc HTTP/1.1\r\nHost: b\r\nX-Forwarded-For: 198.51.100.1, {client}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    };
    let mut others = question("203.0.113.8").await;
    let mut theirs = Vec::new();
    for _ in 0..4 {
        theirs.push(question("203.0.113.7").await);
        // In sequence.
        sleep(Duration::from_millis(50)).await;
    }
    // All seats are taken, by more than CONNECTIONS_PER_ADDRESS of one address: a router may name another address.
    let mut router = connected(to, "127.0.0.2").await;
    let mut said = [0; 12];
    for waiting in theirs.iter_mut().chain([&mut others]) {
        let answer = timeout(Duration::from_millis(100), waiting.read_exact(&mut said)).await;
        assert!(answer.is_err(), "{said:?}");
    }
    // The next connection gets the seat of the longest-waiting one of the client with the most.
    let mut next = connected(to, "127.0.0.9").await;
    timeout(SOON, theirs[0].read_exact(&mut said)).await.unwrap().unwrap();
    assert_eq!(&said, b"HTTP/1.1 503");
    for connection in [&mut next, &mut router] {
        assert_eq!(asked(connection, "").await, "HTTP/1.1 200");
    }
    let answer = timeout(Duration::from_millis(300), others.read_exact(&mut said)).await;
    assert!(answer.is_err(), "{said:?}");
}
