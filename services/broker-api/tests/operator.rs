//! The operator's page over HTTP, without a database: who is let in, what is refused, and what every answer has.

#![expect(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in tests, which helpers beside them are not"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use broker_api::settings::Settings;
use broker_api::{Broker, operator_app, operator_limits, serve};
use clap::Parser as _;
use messaging::Messaging;
use store::Store;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};

const KEYS: &str = "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const PEOPLE: &str = r#"{"operators": [
    {"name": "alice", "password": "alices-password-1", "previous": [{"password": "alices-password-0"}]},
    {"name": "bob", "password": "bobs-password-0001"}
]}"#;

/// What every answer has, whatever its status.
const HEADERS: [&str; 6] = [
    "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'",
    "x-content-type-options: nosniff",
    "referrer-policy: no-referrer",
    "cross-origin-opener-policy: same-origin",
    "cross-origin-resource-policy: same-origin",
    "cache-control: no-store",
];

struct Answer {
    status: u16,
    /// Names in lower case.
    head: Vec<String>,
    body: String,
}

impl Answer {
    fn has(&self, line: &str) -> bool {
        self.head.iter().any(|there| there == line)
    }
}

/// A page whose database and RabbitMQ are unavailable.
async fn page() -> SocketAddr {
    // Secrets come from files, since a test must not change its own environment.
    let folder = tempfile::tempdir().unwrap();
    let file = |flag: &str, value: &str| {
        let path = folder.path().join(flag);
        std::fs::write(&path, value).unwrap();
        format!("--{flag}={}", path.display())
    };
    let line = [
        "broker-api".to_owned(),
        "--broker-username=u".to_owned(),
        "--acme-responder-url=http://broker.example.com".to_owned(),
        "--database-timeout=500ms".to_owned(),
        "--operator-listen=127.0.0.1:0".to_owned(),
        file("operator-credentials-file", PEOPLE),
        file("page-keys-file", KEYS),
        file("broker-password-file", "p"),
        file("database-url-file", "postgres://nobody@127.0.0.1:1/none"),
        file("amqp-url-file", "amqp://127.0.0.1:1"),
    ];
    let settings = Settings::parse_from(line);
    settings.check().unwrap();
    let store = Store::new(&settings.database, "test").unwrap();
    let messaging = Arc::new(Messaging::new(settings.amqp.clone(), "test"));
    let broker = Broker::new(store, messaging, settings.schedules.clone(), &settings.broker);
    let app = operator_app(&settings, &broker).unwrap();
    let limits = operator_limits(&settings.broker.limits);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let never = std::future::pending();
    tokio::spawn(async move { serve(listener, app, &limits, never, Duration::ZERO).await });
    address
}

fn as_person(pair: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(pair))
}

fn alice() -> String {
    as_person("alice:alices-password-1")
}

async fn send(to: SocketAddr, line: &str, headers: &str) -> Answer {
    send_from("127.0.0.1:0", to, line, headers).await
}

async fn send_from(from: &str, to: SocketAddr, line: &str, headers: &str) -> Answer {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(from.parse().unwrap()).unwrap();
    let mut stream = socket.connect(to).await.unwrap();
    let head = format!("{line} HTTP/1.1\r\nHost: ops.example.com\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw).await.unwrap();
    let text = String::from_utf8(raw).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let lines = head.split("\r\n").skip(1).map(|line| {
        let (name, value) = line.split_once(':').unwrap();
        format!("{}:{value}", name.to_lowercase())
    });
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: lines.collect(),
        body: body.to_owned(),
    }
}

#[tokio::test]
async fn nothing_is_served_without_a_name_and_a_password() {
    let to = page().await;
    for path in [
        "/",
        "/running",
        "/search?q=x",
        "/audit",
        "/instances/i1",
        "/instances/i1/retry",
        "/assets/x",
        "/nowhere",
    ] {
        for line in [format!("GET {path}"), format!("POST {path}")] {
            let refused = send(to, &line, "").await;
            assert_eq!(refused.status, 401, "{line}: {}", refused.body);
            let asks = "www-authenticate: Basic realm=\"cdn-broker, for its operators\", charset=\"UTF-8\"";
            assert!(refused.has(asks), "{line}: {:#?}", refused.head);
            for header in HEADERS {
                assert!(refused.has(header), "{line}: no {header} in {:#?}", refused.head);
            }
        }
    }
    // The database is away: whoever comes so far is let in.
    for pair in [
        "alice:alices-password-1",
        "alice:alices-password-0",
        "bob:bobs-password-0001",
    ] {
        let answer = send(to, "GET /running", &as_person(pair)).await;
        assert_eq!(answer.status, 503, "{pair}: {}", answer.body);
        assert!(answer.body.starts_with("The broker's database"), "{}", answer.body);
    }
    for pair in ["u:p", "bob:alices-password-1", "alice:", "alice:alices-password-1 "] {
        let refused = send(to, "GET /running", &as_person(pair)).await;
        assert_eq!(refused.status, 401, "{pair}: {}", refused.body);
    }
}

#[tokio::test]
async fn whoever_guesses_is_refused_for_a_while_even_if_the_guess_is_right() {
    let to = page().await;
    let from = |client: u8, pair: &str| format!("X-Forwarded-For: 203.0.113.{client}\r\n{}", as_person(pair));
    for guess in 0..10 {
        let refused = send(to, "GET /running", &from(7, &format!("alice:guess-{guess}"))).await;
        assert_eq!(refused.status, 401, "{}", refused.body);
    }
    let refused = send(to, "GET /running", &from(7, "alice:alices-password-1")).await;
    assert_eq!(refused.status, 429, "{}", refused.body);
    assert!(refused.has("retry-after: 10"));
    let mut admitted = 0;
    for other in 8..11 {
        let answer = send(to, "GET /running", &from(other, "alice:alices-password-1")).await;
        admitted += u16::from(answer.status == 503);
    }
    assert!(admitted >= 2, "one may share the first one's bucket by chance");
    // Who reaches the port without a router that names clients is one for itself.
    for guess in 0..11 {
        let wrong = as_person(&format!("alice:guess-{guess}"));
        let refused = send_from("127.0.0.7:0", to, "GET /running", &wrong).await;
        assert_eq!(refused.status, if guess < 10 { 401 } else { 429 }, "{}", refused.body);
    }
    let mut admitted = 0;
    for other in 8..11 {
        let answer = send_from(&format!("127.0.0.{other}:0"), to, "GET /running", &alice()).await;
        admitted += u16::from(answer.status == 503);
    }
    assert!(admitted >= 2, "one may share that one's bucket by chance");
    // The first request of a browser has no password, and is no guess.
    for _ in 0..20 {
        let client = "X-Forwarded-For: 203.0.113.12\r\n";
        assert_eq!(send(to, "GET /running", client).await.status, 401);
    }
}

#[tokio::test]
async fn a_form_from_elsewhere_is_refused_before_the_database_is_asked() {
    let to = page().await;
    let form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n";
    for headers in [
        "",
        "Origin: null\r\n",
        "Origin: https://evil.example\r\n",
        "Sec-Fetch-Site: cross-site\r\nOrigin: null\r\n",
        "Sec-Fetch-Site: same-site\r\nOrigin: https://ops.example.com\r\n",
        "Sec-Fetch-Site: none\r\n",
        // From the page, and without what the page put into it.
        "Sec-Fetch-Site: same-origin\r\n",
    ] {
        let refused = send(to, "POST /instances/i1/cancel", &format!("{}{form}{headers}", alice())).await;
        assert_eq!(refused.status, 403, "{headers}: {}", refused.body);
        assert!(refused.body.contains("Nothing was done"), "{}", refused.body);
    }
    for line in [
        "POST /",
        "POST /instances/i1",
        "PUT /instances/i1/cancel",
        "DELETE /audit",
    ] {
        let refused = send(to, line, &alice()).await;
        assert_eq!(refused.status, 405, "{line}: {}", refused.body);
    }
    for path in [
        "/nowhere",
        "/instances/i1/reboot",
        "/instances/%ff",
        "/assets/x",
        "/i/i1/x",
        "/v2/catalog",
    ] {
        let nothing = send(to, &format!("GET {path}"), &alice()).await;
        assert_eq!(nothing.status, 404, "{path}: {}", nothing.body);
        for header in HEADERS {
            assert!(nothing.has(header), "{path}: no {header} in {:#?}", nothing.head);
        }
    }
}
