//! Status pages over HTTP, without a database: what is refused before it is asked, and what every answer has.

#![expect(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in tests, which helpers beside them are not"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use broker_api::settings::Settings;
use broker_api::{Broker, app, serve};
use clap::Parser as _;
use messaging::Messaging;
use page_keys::{PageArgs, PageKeys, Right, Session};
use store::Store;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The first signs.
const KEYS: &str = "k2:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=,k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// What every answer has, whatever its status.
const HEADERS: [&str; 5] = [
    "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options: nosniff",
    "referrer-policy: no-referrer",
    "cross-origin-opener-policy: same-origin",
    "cross-origin-resource-policy: same-origin",
];

struct Answer {
    status: u16,
    /// In lower case, without the date.
    head: Vec<String>,
    body: String,
}

impl Answer {
    fn has(&self, line: &str) -> bool {
        self.head.iter().any(|there| there == line)
    }
}

/// A broker whose database and RabbitMQ are unavailable.
async fn broker(more: &[&str]) -> SocketAddr {
    broker_of("postgres://nobody@127.0.0.1:1/none", "500ms", more).await
}

async fn broker_of(database: &str, patience: &str, more: &[&str]) -> SocketAddr {
    // Secrets come from files, since a test must not change its own environment.
    let folder = tempfile::tempdir().unwrap();
    let secret = |flag: &str, value: &str| {
        let path = folder.path().join(flag);
        std::fs::write(&path, value).unwrap();
        format!("--{flag}-file={}", path.display())
    };
    let has_platforms = more.iter().any(|flag| flag.starts_with("--broker-credentials-file="));
    let login = ["--broker-username=u".to_owned(), secret("broker-password", "p")];
    let mut line = vec![
        "broker-api".to_owned(),
        "--acme-responder-url=http://broker.example.com".to_owned(),
        format!("--database-timeout={patience}"),
        secret("database-url", database),
        secret("amqp-url", "amqp://127.0.0.1:1"),
        secret("page-keys", KEYS),
    ];
    line.extend(login.into_iter().filter(|_| !has_platforms));
    line.extend(more.iter().map(|flag| (*flag).to_owned()));
    let settings = Settings::parse_from(line);
    settings.check().unwrap();
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

async fn with_pages() -> SocketAddr {
    broker(&["--pages-url=https://broker.example.com"]).await
}

async fn send(to: SocketAddr, line: &str, headers: &str) -> Answer {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let head = format!("{line} HTTP/1.1\r\nHost: b\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw).await.unwrap();
    let text = String::from_utf8(raw).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let lines = head.split("\r\n").skip(1);
    // Only names are in lower case: values are compared as they are.
    let lines = lines.map(|line| {
        let (name, value) = line.split_once(':').unwrap();
        format!("{}:{value}", name.to_lowercase())
    });
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: lines.filter(|line| !line.starts_with("date:")).collect(),
        body: body.to_owned(),
    }
}

fn token(instance: &str) -> String {
    PageKeys::parse(KEYS).unwrap().token(instance, 1)
}

#[tokio::test]
async fn only_what_a_key_has_signed_reaches_the_database() {
    let to = with_pages().await;
    let (ours, other) = (token("i1"), token("i2"));
    let older = PageKeys::parse(KEYS.split_once(',').unwrap().1).unwrap().token("i1", 1);
    // The database is away.
    for good in [
        format!("/i/i1/{ours}"),
        format!("/i/i1/{older}"),
        format!("/i/i1/{ours}/records.zone"),
        format!("/i/i1/{ours}/live"),
        format!("/i/a%2Fb%20%C3%9C/{}", token("a/b Ü")),
    ] {
        let answer = send(to, &format!("GET {good}"), "").await;
        assert_eq!(answer.status, 503, "{good}: {}", answer.body);
        assert!(answer.has("retry-after: 10") && answer.has("content-type: text/plain; charset=utf-8"));
    }
    let stranger = PageKeys::parse("k2:AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=").unwrap();
    let mut refused = Vec::new();
    for bad in [
        format!("/i/i1/{other}"),
        format!("/i/i1/{}", stranger.token("i1", 1)),
        format!("/i/i1/{}", ours.replacen("k2.1.", "k2.2.", 1)),
        format!("/i/i1/{}", ours.replacen("k2.", "k1.", 1)),
        format!("/i/i1/{}", &ours[..ours.len() - 1]),
        format!("/i/i1/{other}/records.zone"),
        format!("/i/i1/{other}/live"),
        format!("/i/i1/{ours}/live/"),
        format!("/i/i1/{ours}/check"),
        format!("/i/i1/{other}/check"),
        format!("/i/i1/{ours}/outside"),
        format!("/i/i1/{other}/outside"),
        "/i/i1/x".to_owned(),
        "/i/i1/..".to_owned(),
        "/i/i1/%ff".to_owned(),
        format!("/i/%ff/{ours}"),
        format!("/i/i1/{ours}/"),
        format!("/i/i1/{ours}/a/b"),
        "/i/i1".to_owned(),
        "/i/i1/".to_owned(),
        "/i".to_owned(),
    ] {
        let answer = send(to, &format!("GET {bad}"), "").await;
        assert_eq!(answer.status, 404, "{bad}: {}", answer.body);
        refused.push((answer.head, answer.body));
    }
    // What nobody may see is told of no form either, whatever is sent.
    let forms = "Sec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    for headers in ["", forms, "Origin: https://evil.example\r\n"] {
        for form in ["check", "outside"] {
            let answer = send(to, &format!("POST /i/i1/{other}/{form}"), headers).await;
            assert_eq!(answer.status, 404, "{form} {headers}: {}", answer.body);
            refused.push((answer.head, answer.body));
            let answer = send(to, &format!("POST /i/i1/{ours}/{form}"), headers).await;
            assert_eq!(answer.status, 503, "{form} {headers}: {}", answer.body);
        }
    }
    refused.dedup();
    assert_eq!(refused.len(), 1, "byte for byte the same: {refused:#?}");
}

#[tokio::test]
async fn every_answer_has_the_headers_and_is_kept_by_nobody() {
    let to = broker(&["--pages-url=https://broker.example.com", "--page-rate-limit=1"]).await;
    let ours = token("i1");
    let client = "X-Forwarded-For: 203.0.113.7\r\n";
    send(to, "GET /i/i1/x", client).await;
    for (line, headers, status) in [
        (format!("GET /i/i1/{ours}"), "", 503),
        (format!("HEAD /i/i1/{ours}"), "", 503),
        ("GET /i/i1/x".to_owned(), "", 404),
        ("GET /i".to_owned(), "", 404),
        ("GET /i/".to_owned(), "", 404),
        (format!("POST /i/i1/{ours}"), "", 405),
        (format!("POST /i/i1/{ours}/check"), "", 503),
        ("POST /i/i1/x/check".to_owned(), "", 404),
        (format!("PUT /i/i1/{ours}/check"), "", 405),
        (format!("POST /i/i1/{ours}/outside"), "", 503),
        ("POST /i/i1/x/outside".to_owned(), "", 404),
        (format!("DELETE /i/i1/{ours}/outside"), "", 405),
        (format!("DELETE /i/i1/{ours}/records.zone"), "", 405),
        (format!("GET /i/i1/{ours}/live"), "", 503),
        (format!("POST /i/i1/{ours}/live"), "", 405),
        (format!("OPTIONS /i/i1/{ours}"), "", 405),
        ("GET /i/i1/x".to_owned(), client, 429),
        ("GET /assets/nothing".to_owned(), "", 404),
        ("GET /assets/a/b".to_owned(), "", 404),
        ("GET /assets".to_owned(), "", 404),
        ("GET /assets/".to_owned(), "", 404),
        ("POST /assets/nothing".to_owned(), "", 405),
    ] {
        let answer = send(to, &line, headers).await;
        assert_eq!(answer.status, status, "{line}: {}", answer.body);
        for header in HEADERS {
            assert!(answer.has(header), "{line}: no {header} in {:#?}", answer.head);
        }
        assert!(answer.has("cache-control: no-store"), "{line}: {:#?}", answer.head);
    }
}

#[tokio::test]
async fn a_client_that_asks_too_often_is_refused_and_others_are_not() {
    let to = broker(&["--pages-url=https://broker.example.com", "--page-rate-limit=5"]).await;
    let asked = async |headers: &str| send(to, "GET /i/i1/x", headers).await;
    let client = "X-Forwarded-For: 203.0.113.7\r\n";
    for _ in 0..5 {
        assert_eq!(asked(client).await.status, 404);
    }
    let refused = asked(client).await;
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert!(refused.has("retry-after: 10"));
    let files = send(to, "GET /assets/nothing", client).await;
    assert_eq!(files.status, 429, "files count, too");
    let mut admitted = 0;
    for other in 8..11 {
        let answer = asked(&format!("X-Forwarded-For: 203.0.113.{other}\r\n")).await;
        admitted += u16::from(answer.status == 404);
    }
    assert!(admitted >= 2, "one may share the first one's bucket by chance");
    // A hop that names nobody may stand for many.
    for _ in 0..10 {
        assert_eq!(asked("").await.status, 404);
    }
    // The platform is no client of pages.
    let catalog = send(to, "GET /v2/catalog", client).await;
    assert_eq!(catalog.status, 401);
}

#[tokio::test]
async fn a_crowd_of_readers_leaves_connections_to_the_platform() {
    // A database that takes connections and never says a word. The broker's pool has 8.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let database = format!("postgres://nobody@{}/none", silent.local_addr().unwrap());
    let (taken, mut connections) = mpsc::unbounded_channel();
    tokio::spawn(async move { while taken.send(silent.accept().await.unwrap()).is_ok() {} });
    let to = broker_of(&database, "60s", &["--pages-url=https://broker.example.com"]).await;
    let mut readers = JoinSet::new();
    for _ in 0..20 {
        readers.spawn(async move { send(to, &format!("GET /i/i1/{}", token("i1")), "").await });
    }
    // Those whose turn it is wait for the database, the others for their turn.
    let first = readers.join_next().await.unwrap().unwrap();
    assert_eq!(first.status, 503, "{}", first.body);
    assert!(first.body.starts_with("Too many pages"), "{}", first.body);
    assert!(first.has("retry-after: 10"));
    let platform = "Authorization: Basic dTpw\r\nX-Broker-API-Version: 2.17\r\n";
    let mut kept = Vec::new();
    while let Ok(connection) = connections.try_recv() {
        kept.push(connection);
    }
    assert!((4..8).contains(&kept.len()), "{}", kept.len());
    tokio::spawn(async move { send(to, "GET /v2/service_instances/i1", platform).await });
    let another = timeout(Duration::from_secs(10), connections.recv()).await;
    assert!(another.unwrap().is_some());
}

#[tokio::test]
async fn without_an_address_there_are_no_pages() {
    let to = broker(&[]).await;
    for path in [
        format!("/i/i1/{}", token("i1")),
        "/assets/nothing".to_owned(),
        "/s/cf-eu/i1".to_owned(),
        "/sign-in/done/cf-eu".to_owned(),
    ] {
        let answer = send(to, &format!("GET {path}"), "").await;
        assert_eq!(answer.status, 404);
        assert!(answer.body.contains("/v2/catalog"), "{}", answer.body);
    }
}

/// A broker with a platform whose users sign in, and which doesn't answer; and with one whose users don't.
async fn with_sign_in(lifetime: &str) -> SocketAddr {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials.json");
    let platforms = r#"{"platforms": [
        {"name": "cf-eu", "username": "eu", "password": "p", "dashboard_client": {"id": "cdn", "secret": "s", "api": "http://127.0.0.1:1"}},
        {"name": "cf-us", "username": "us", "password": "p"}
    ]}"#;
    std::fs::write(&file, platforms).unwrap();
    let file = format!("--broker-credentials-file={}", file.display());
    broker(&["--pages-url=https://broker.example.com", &file, lifetime]).await
}

/// What the cookie of somebody contains who may see this instance's page for ten minutes.
fn session(instance: &str, right: Right) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys");
    std::fs::write(&file, KEYS).unwrap();
    let file = format!("--page-keys-file={}", file.display());
    let line = Line::parse_from(["test", "--pages-url=https://broker.example.com", &file]);
    let links = line.pages.links().unwrap().unwrap();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let until = i64::try_from(now.as_secs()).unwrap() + 600;
    links.session("cf-eu", instance, Session { right, until })
}

/// The settings of links alone.
#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    pages: PageArgs,
}

/// The first 8 bytes of SHA-256 of `cf-eu`, a line break and `i1`.
const COOKIE: &str = "__Host-cdn-broker-16a109e7c5848571";

#[tokio::test]
async fn only_who_has_signed_in_reaches_the_database_and_all_others_are_sent_to_the_platform() {
    let to = with_sign_in("--sign-in-lifetime=10m").await;
    let read = session("i1", Right::Read);
    let cookie = |value: &str| format!("Cookie: a=b; {COOKIE}={value}\r\n");
    // The database is away.
    for path in ["/s/cf-eu/i1", "/s/cf-eu/i1/records.zone", "/s/cf-eu/i1/live"] {
        let answer = send(to, &format!("GET {path}"), &cookie(&read)).await;
        assert!(
            answer.status == 503 && answer.body.contains("database"),
            "{path}: {}",
            answer.body
        );
    }
    // The platform is, too: whoever has not signed in gets that far.
    for sent in [
        String::new(),
        cookie(""),
        cookie(&read.replacen("read", "manage", 1)),
        cookie(&read[1..]),
        cookie(&session("i2", Right::Manage)),
        cookie(&token("i1")),
    ] {
        let answer = send(to, "GET /s/cf-eu/i1", &sent).await;
        assert!(
            answer.status == 503 && answer.body.contains("The platform does not say"),
            "{}",
            answer.body
        );
    }
    // What can't be led there is not.
    for (line, sent) in [
        ("POST /s/cf-eu/i1/check", ""),
        ("GET /s/cf-eu/i1", "Sec-Fetch-Mode: cors\r\n"),
        ("GET /s/cf-eu/i1/live", "Sec-Fetch-Mode: cors\r\n"),
    ] {
        let answer = send(to, line, sent).await;
        assert_eq!(answer.status, 403, "{line}: {}", answer.body);
    }
    // Nobody signs in with these, and these are no instances of Cloud Controller.
    for path in [
        "/s/cf-us/i1",
        "/s/nobody/i1",
        "/s/cf-eu/a%2Fb",
        "/s/cf-eu/..",
        "/s/cf-eu/%ff",
        "/s/cf-eu",
        "/s/",
        "/sign-in",
        "/sign-in/",
        "/sign-in/done",
        "/sign-in/done/cf-us",
        "/sign-in/done/%ff",
        "/sign-in/done/cf-eu/x",
    ] {
        let answer = send(to, &format!("GET {path}"), "").await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.body);
        assert!(answer.body.starts_with("There is no page at this address."), "{path}");
    }
    // A link opens its page as ever.
    let answer = send(to, &format!("GET /i/i1/{}", token("i1")), "").await;
    assert!(
        answer.status == 503 && answer.body.contains("database"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn every_answer_of_a_sign_in_has_the_headers() {
    let to = with_sign_in("--sign-in-lifetime=1s").await;
    for (line, status) in [
        ("GET /s/cf-eu/i1", 503),
        ("HEAD /s/cf-eu/i1", 503),
        ("POST /s/cf-eu/i1", 405),
        ("POST /s/cf-eu/i1/check", 403),
        ("GET /s/nobody/i1", 404),
        ("GET /sign-in/done/cf-eu", 403),
        ("GET /sign-in/done/cf-eu?state=a&state=b", 403),
        (
            "GET /sign-in/done/cf-eu?state=k2.1796000000.n.Y2YtZXU.aTE.mac&code=c",
            403,
        ),
        ("GET /sign-in/done/cf-eu?error=access_denied&state=x", 403),
        ("POST /sign-in/done/cf-eu", 405),
        ("GET /sign-in/", 404),
    ] {
        let answer = send(to, line, "Cookie: __Host-cdn-broker-browser=b\r\n").await;
        assert_eq!(answer.status, status, "{line}: {}", answer.body);
        for header in HEADERS {
            assert!(answer.has(header), "{line}: no {header} in {:#?}", answer.head);
        }
        assert!(answer.has("cache-control: no-store"), "{line}: {:#?}", answer.head);
        assert!(
            !answer.head.iter().any(|line| line.starts_with("set-cookie:")),
            "{line}"
        );
    }
}

#[test]
fn a_sign_in_needs_pages_by_tls_and_lasts_for_an_hour_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let platforms = r#"{"platforms": [{"name": "cf-eu", "username": "eu", "password": "p",
        "dashboard_client": {"id": "cdn", "secret": "hunter2", "api": "https://api.example.com"}}]}"#;
    let parse = |more: &[&str]| {
        let line = [
            "broker-api".to_owned(),
            "--acme-responder-url=http://broker.example.com".to_owned(),
            format!("--database-url-file={}", write("database-url", "postgres://a")),
            format!("--amqp-url-file={}", write("amqp-url", "amqp://a")),
            format!("--page-keys-file={}", write("page-keys", KEYS)),
            format!("--broker-credentials-file={}", write("credentials.json", platforms)),
        ];
        Settings::try_parse_from(line.into_iter().chain(more.iter().map(|flag| (*flag).to_owned())))
    };
    let refused = |more: &[&str]| parse(more).unwrap().check().unwrap_err().to_string();
    assert!(refused(&[]).contains("cf-eu has a dashboard_client, but PAGES_URL is not set"));
    let open = refused(&["--pages-url=http://broker.example.com"]);
    assert!(
        open.starts_with("PAGES_URL: https:// is needed") && !open.contains("hunter2"),
        "{open}"
    );
    let good = parse(&["--pages-url=https://broker.example.com"]).unwrap();
    good.check().unwrap();
    assert!(!format!("{good:?}").contains("hunter2"));
    for lifetime in ["0s", "61m", "soon"] {
        assert!(
            parse(&[&format!("--sign-in-lifetime={lifetime}")]).is_err(),
            "{lifetime}"
        );
    }
}
