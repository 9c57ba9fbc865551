//! Arbitrary bytes from a name server or a web server: parsed or reported, in bounded time, never a panic
//! (docs/fuzzing.md).

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

mod support;

use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use challenge_verifier::dns::Dns;
use challenge_verifier::http01::Http01;
use challenge_verifier::{DnsServer, Method, ProbeSettings};
use pipeline::caa::{CaaExpected, judge};
use proptest::prelude::*;
use support::names::{Servers, Zone};
use support::settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::runtime::Runtime;

/// The time limit for a silent server; a whole look-up is bounded by a few of them.
const LIMIT: Duration = Duration::from_millis(40);
/// For busy machines.
const SLACK: Duration = Duration::from_secs(5);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

fn few() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: usual.cases.div_ceil(2),
        ..usual
    }
}

fn harmless(text: &str) -> Result<(), TestCaseError> {
    prop_assert!(!text.is_empty() && text.len() <= 1500, "{} bytes", text.len());
    prop_assert!(!text.contains(char::is_control), "{:?}", text);
    Ok(())
}

/// The response to the next query.
#[derive(Debug, Clone, Default)]
struct Answer {
    /// With the query's own id, so that it is processed.
    own_id: bool,
    udp: Vec<u8>,
    tcp: Vec<u8>,
}

/// A name server that sends the response that a test sets, by UDP and TCP; `next` is shared.
static LIAR: LazyLock<(String, Arc<Mutex<Answer>>)> = LazyLock::new(|| {
    let next = Arc::new(Mutex::new(Answer::default()));
    let (udp, tcp, at) = RUNTIME.block_on(async {
        loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let at = udp.local_addr().unwrap();
            if let Ok(tcp) = TcpListener::bind(at).await {
                break (udp, tcp, at.to_string());
            }
        }
    });
    let by_udp = Arc::clone(&next);
    RUNTIME.spawn(async move {
        let mut query = [0; 1024];
        loop {
            let Ok((length, client)) = udp.recv_from(&mut query).await else {
                continue;
            };
            let answer = by_udp.lock().unwrap().clone();
            let _gone = udp
                .send_to(&with_id(&answer, &query[..length], &answer.udp), client)
                .await;
        }
    });
    let by_tcp = Arc::clone(&next);
    RUNTIME.spawn(async move {
        loop {
            let (mut stream, _) = tcp.accept().await.unwrap();
            let answer = by_tcp.lock().unwrap().clone();
            tokio::spawn(async move {
                let mut query = vec![0; usize::from(stream.read_u16().await?)];
                stream.read_exact(&mut query).await?;
                let bytes = with_id(&answer, &query, &answer.tcp);
                stream.write_u16(bytes.len() as u16).await?;
                stream.write_all(&bytes).await
            });
        }
    });
    (at, next)
});

fn with_id(answer: &Answer, query: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if answer.own_id && bytes.len() >= 2 {
        bytes[..2].copy_from_slice(&query[..2]);
    }
    bytes.truncate(60_000);
    bytes
}

fn look_up<T>(answer: Answer, ask: impl AsyncFnOnce(Dns) -> T) -> (T, Duration) {
    // One test at a time.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (at, next) = &*LIAR;
    *next.lock().unwrap() = answer;
    let settings = ProbeSettings {
        dns_resolver: DnsServer(Some(at.clone())),
        dns_timeout: LIMIT,
        ..settings()
    };
    let begun = Instant::now();
    let found = RUNTIME.block_on(ask(Dns::new(&settings).unwrap()));
    (found, begun.elapsed())
}

const TXT: u16 = 16;
const CAA: u16 = 257;

/// `www.example.test`, as a question section.
fn question(kind: u16) -> Vec<u8> {
    [&b"\x03www\x07example\x04test\0"[..], &kind.to_be_bytes(), &[0, 1]].concat()
}

/// Bytes that are exactly or almost a response to the query.
fn nearly(asked: u16) -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        4 => Just(vec![0xc0, 12]),
        1 => any::<u16>().prop_map(|at| (at | 0xc000).to_be_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
        1 => "[a-z]{1,9}".prop_map(|label| [&[label.len() as u8], label.as_bytes(), &[0xc0, 16]].concat()),
    ];
    let kind = prop::sample::select(vec![asked, asked, 5, 5, 2, 1, 6, 28, 41, 46, 255]);
    let data = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300).prop_map(|text| {
            text.chunks(255)
                .flat_map(|part| [&[part.len() as u8], part].concat())
                .collect()
        }),
        name.clone(),
        (any::<u8>(), "[a-z]{0,16}|issue|issuewild", ".{0,40}")
            .prop_map(|(flags, tag, value)| { [&[flags, tag.len() as u8], tag.as_bytes(), value.as_bytes()].concat() }),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    let length = prop::option::weighted(0.1, any::<u16>());
    let record = (name, kind, data, length).prop_map(|(name, kind, data, length): (_, _, Vec<u8>, _)| {
        let length = length.unwrap_or(data.len() as u16).to_be_bytes();
        [&name[..], &kind.to_be_bytes(), &[0, 1, 0, 0, 0, 60], &length, &data].concat()
    });
    let flags = prop_oneof![4 => Just(0x8400_u16), 1 => Just(0x8600), 1 => Just(0x8402), 1 => any::<u16>()];
    let counts = prop::option::weighted(0.2, any::<[u16; 3]>());
    let question = prop::option::weighted(0.9, Just(question(asked)));
    let reason = prop::option::weighted(0.3, prop::collection::vec(any::<u8>(), 0..300).prop_map(extended_error));
    let flip = prop::option::weighted(0.3, (any::<prop::sample::Index>(), any::<u8>()));
    (
        flags,
        prop::collection::vec(record, 0..6),
        counts,
        question,
        reason,
        flip,
    )
        .prop_map(|(flags, records, counts, question, reason, flip)| {
            let counts = counts.unwrap_or([records.len() as u16, 0, reason.is_some().into()]);
            let mut bytes = vec![0, 0];
            bytes.extend(flags.to_be_bytes());
            bytes.extend(u16::from(question.is_some()).to_be_bytes());
            bytes.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
            bytes.extend(question.unwrap_or_default());
            bytes.extend(records.concat());
            bytes.extend(reason.unwrap_or_default());
            if let Some((at, with)) = flip {
                let at = at.index(bytes.len());
                bytes[at] ^= with;
            }
            bytes
        })
}

/// An OPT record with an extended error (RFC 8914 §2) of these bytes.
fn extended_error(data: Vec<u8>) -> Vec<u8> {
    let length = data.len() as u16;
    let head = [&b"\0\0\x29\x04\xd0\0\0\0\0"[..], &(length + 4).to_be_bytes()].concat();
    [&head[..], &[0, 15], &length.to_be_bytes(), &data].concat()
}

fn answer(asked: u16) -> impl Strategy<Value = Answer> {
    let bytes = move || prop_oneof![4 => nearly(asked), 1 => prop::collection::vec(any::<u8>(), 0..600)];
    (prop::bool::weighted(0.95), bytes(), bytes()).prop_map(|(own_id, udp, tcp)| Answer { own_id, udp, tcp })
}

/// A web server that sends these bytes and then closes the connection, or not.
async fn serve(bytes: Vec<u8>, closes: bool) -> (u16, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 2048];
            let _any = stream.read(&mut request).await;
            let _gone = stream.write_all(&bytes).await;
            if !closes {
                open.push(stream);
            }
        }
    });
    (port, task)
}

static NAMES: LazyLock<Servers> = LazyLock::new(|| {
    let zone = Zone::new(".")
        .a("www.example.test", "127.0.0.1")
        .a("other.test", "127.0.0.1");
    RUNTIME.block_on(Servers::start([("127.0.0.54", zone)]))
});

fn fetch(bytes: Vec<u8>, closes: bool, limit: Duration) -> (Result<(), String>, Duration) {
    let resolver = NAMES.at("127.0.0.54");
    RUNTIME.block_on(async {
        let (port, server) = serve(bytes, closes).await;
        let settings = ProbeSettings {
            dns_resolver: DnsServer(Some(resolver)),
            http01_port: port,
            http01_tls_port: port,
            http_timeout: limit,
            ..settings()
        };
        let expected = pipeline::proof::Http01 {
            token: "tok".into(),
            key_authorization: "tok.thumb".into(),
        };
        let begun = Instant::now();
        let dns = Dns::new(&settings).unwrap();
        let found = Http01::new(&settings)
            .unwrap()
            .check(&dns, "www.example.test", &expected)
            .await;
        server.abort();
        (found.map(drop).map_err(|failure| failure.to_string()), begun.elapsed())
    })
}

fn http() -> impl Strategy<Value = Vec<u8>> {
    let status = prop_oneof![
        "HTTP/1.[01] (200|301|302|307|308|404|100|101|204|999|[0-9]{1,4})( [ -~]{0,20})?",
        "[ -~]{0,40}",
        "HTTP/[0-9.]{1,4} 200 OK"
    ];
    let header = prop_oneof![
        "(Content-Length|Transfer-Encoding|Location|Connection|X-[A-Za-z]{1,9}): [ -~]{0,60}",
        "Content-Length: [0-9]{1,25}",
        "Transfer-Encoding: (chunked|gzip, chunked|identity)",
        "Location: (http:|https:)?//(other\\.test|127\\.1|[!-~]{1,20})(:[0-9]{1,6})?/[!-~]{0,20}",
        (8_000_usize..20_000).prop_map(|length| format!("X: {}", "y".repeat(length))),
        (100_usize..300).prop_map(|many| "A: b\r\n".repeat(many) + "A: b"),
        any::<String>(),
    ];
    let body = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..400),
        "([0-9a-fA-F]{0,17}(;[ -~]{0,9})?\r\n[ -~]{0,20}\r\n){0,5}(0\r\n\r\n)?".prop_map(String::into_bytes),
        (0_usize..100_000).prop_map(|length| vec![b'x'; length]),
        Just(b"tok.thumb".to_vec()),
        Just("HTTP/1.1 100 Continue\r\n\r\n".repeat(500).into_bytes()),
    ];
    prop_oneof![
        6 => (status, prop::collection::vec(header, 0..5), body).prop_map(|(status, headers, body)| {
            let mut head = status + "\r\n";
            for header in headers {
                head += &(header + "\r\n");
            }
            [head.as_bytes(), b"\r\n", &body].concat()
        }),
        2 => prop::collection::vec(any::<u8>(), 0..200).prop_map(|body| [b"HTTP/1.1 200 OK\r\n\r\n", &body[..]].concat()),
        2 => "[!-~ \u{80}-\u{ff}]{0,60}".prop_map(|to| format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\n\r\n").into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..600),
    ]
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn a_dns_answer_is_read_or_told(answer in answer(TXT)) {
        let (found, took) = look_up(answer, async |dns| {
            dns.txt("www.example.test", None, |texts| texts.len() == 1).await
        });
        // At most nine names in sequence, each with one retry in plain DNS.
        prop_assert!(took < LIMIT * 20 + SLACK, "{:?}", took);
        match found {
            Ok(found) => prop_assert!(found.alias.unwrap_or_default().len() <= 110),
            Err(failure) => {
                harmless(&failure.to_string())?;
                prop_assert!(failure.alias.unwrap_or_default().len() <= 110);
            }
        }
    }

    #[test]
    fn a_caa_answer_is_read_or_nothing_is_known(answer in answer(CAA), wildcard in any::<bool>()) {
        let (found, took) = look_up(answer, async |dns| dns.caa("www.example.test", None).await);
        prop_assert!(took < LIMIT * 20 + SLACK, "{:?}", took);
        if let Ok(Some(found)) = found {
            prop_assert!(found.alias.unwrap_or_default().len() <= 110);
            let expected = CaaExpected {
                identities: vec!["ca.test".into()],
                account_uri: "https://ca.test/acct/1".into(),
                wildcard,
            };
            if let Err(why) = judge(&found.properties, &expected, Method::Dns01) {
                harmless(&why.seen(Method::Dns01))?;
            }
        }
    }

    #[test]
    fn an_http_answer_is_read_or_told(bytes in http(), closes in prop::bool::weighted(0.9)) {
        let (found, took) = fetch(bytes, closes, LIMIT * 5);
        prop_assert!(took < LIMIT * 5 + SLACK, "{:?}", took);
        if let Err(text) = found {
            harmless(&text)?;
        }
    }
}

/// The client gives up on a server that never sends its final response when the time limit is reached, whatever it
/// sends before.
#[test]
fn endless_informational_answers_are_left_in_time() {
    let endless = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(200_000);
    // Long enough that its address is known on a busy machine.
    let limit = Duration::from_secs(2);
    let (found, took) = fetch(endless.into_bytes(), false, limit);
    let said = found.unwrap_err();
    assert!(said.contains("HTTP answer from 127.0.0.1"), "{said}");
    assert!(took < limit + SLACK, "{took:?}");
}
