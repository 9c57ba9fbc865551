//! The links in mails over HTTP, without a database: what nobody has signed is refused before it is asked, and every answer has the headers.

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
use notices::{Link, NoticeKeys, Purpose};
use store::Store;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

/// The first signs.
const KEYS: &str = "k2:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=,k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// A broker whose database and RabbitMQ are unavailable.
async fn broker(has_keys: bool) -> SocketAddr {
    // Secrets come from files, since a test must not change its own environment.
    let folder = tempfile::tempdir().unwrap();
    let secret = |flag: &str, value: &str| {
        let path = folder.path().join(flag);
        std::fs::write(&path, value).unwrap();
        format!("--{flag}-file={}", path.display())
    };
    let mut line = vec![
        "broker-api".to_owned(),
        "--broker-username=u".to_owned(),
        secret("broker-password", "p"),
        "--acme-responder-url=http://broker.example.com".to_owned(),
        "--database-timeout=500ms".to_owned(),
        secret("database-url", "postgres://nobody@127.0.0.1:1/none"),
        secret("amqp-url", "amqp://127.0.0.1:1"),
        secret("page-keys", KEYS),
        "--pages-url=https://broker.example.com".to_owned(),
    ];
    if has_keys {
        line.push(secret("notice-keys", KEYS));
    }
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

/// The status, the head in lower case, the body.
async fn send(to: SocketAddr, line: &str, body: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: b\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw).await.unwrap();
    let text = String::from_utf8(raw).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), body.to_owned())
}

fn token(keys: &str, purpose: Purpose) -> String {
    NoticeKeys::parse(keys).unwrap().token(&Link {
        purpose,
        recipient: Uuid::from_u128(7),
        generation: 1,
    })
}

#[tokio::test]
async fn only_what_a_key_has_signed_reaches_the_database() {
    let to = broker(true).await;
    let older = KEYS.split_once(',').unwrap().1;
    // The database is away.
    for (keys, purpose, form) in [
        (KEYS, Purpose::Confirm, "do=confirm"),
        (KEYS, Purpose::Leave, "List-Unsubscribe=One-Click"),
        // Is of no use to that link, which the database may not know.
        (KEYS, Purpose::Leave, "do=confirm"),
        (older, Purpose::Leave, "do=never"),
    ] {
        let link = format!("/notify/{}", token(keys, purpose));
        for (line, body) in [(format!("GET {link}"), ""), (format!("POST {link}"), form)] {
            let (status, head, body) = send(to, &line, body).await;
            assert_eq!(status, 503, "{line}: {body}");
            assert!(head.contains("retry-after: 10"), "{head}");
        }
    }
    let stranger = token("k2:AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=", Purpose::Leave);
    let good = token(KEYS, Purpose::Leave);
    let mut refused = Vec::new();
    for bad in [
        stranger,
        good.replacen(".l.", ".c.", 1),
        good.replacen("k2.", "k1.", 1),
        good[..good.len() - 1].to_owned(),
        format!("{good}/below"),
        "%00".to_owned(),
        "%ff".to_owned(),
    ] {
        for method in ["GET", "POST"] {
            let (status, head, body) = send(to, &format!("{method} /notify/{bad}"), "do=leave").await;
            assert_eq!(status, 404, "{method} {bad}: {body}");
            for line in [
                "content-security-policy: default-src 'none'",
                "referrer-policy: no-referrer",
                "x-content-type-options: nosniff",
                "cache-control: no-store",
            ] {
                assert!(head.contains(line), "{line}: {head}");
            }
            refused.push(body);
        }
    }
    refused.dedup();
    assert_eq!(refused.len(), 1, "byte for byte: {refused:?}");
}

#[tokio::test]
async fn a_form_that_cannot_be_read_asks_for_nothing() {
    let to = broker(true).await;
    let link = format!("POST /notify/{}", token(KEYS, Purpose::Leave));
    let long = "x".repeat(5_000);
    for body in ["", "do=everything", &long] {
        let (status, _, told) = send(to, &link, body).await;
        assert_eq!(status, 400, "{body}: {told}");
    }
    let (status, ..) = send(to, &format!("DELETE /notify/{}", token(KEYS, Purpose::Leave)), "").await;
    assert_eq!(status, 405);
}

#[tokio::test]
async fn without_keys_there_are_no_links() {
    let to = broker(false).await;
    let (status, ..) = send(to, &format!("GET /notify/{}", token(KEYS, Purpose::Leave)), "").await;
    assert_eq!(status, 404);
}
