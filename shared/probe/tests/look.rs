//! A domain is looked at on real connections: what is seen, and what a hostile server comes to.

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pipeline::outside::{Answer, Cache, Dns, Facts, Header, Http, Problem, Tls};
use probe::{Connects, Expected, Names, Outside, Request, Trust, first_problem};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

const DOMAIN: &str = "www.example.com";
const DISTRIBUTION: &str = "d1.cloudfront.net";
const A: u16 = 1;
/// How long a look may take here, and how much longer a busy machine may take.
const WITHIN: Duration = Duration::from_secs(2);
const BUSY: Duration = Duration::from_secs(8);

/// How the server handles a request.
#[derive(Clone, Copy)]
enum Manner {
    Say(&'static str),
    /// Says this, and then sends for ever.
    Pour(&'static str),
    Nothing,
}

const SERVED: Manner = Manner::Say("HTTP/1.1 200 OK\r\nX-Cache: Hit from cloudfront\r\nContent-Length: 2\r\n\r\nok");

/// The world: DNS in which every name has the address 127.0.0.1, and there an edge with a certificate for the domain.
struct World {
    dns: SocketAddr,
    edge: SocketAddr,
    roots: tempfile::NamedTempFile,
    leaf: Vec<u8>,
    /// The paths that were asked for.
    asked: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl World {
    async fn start(manner: Manner) -> Self {
        let made = rcgen::generate_simple_self_signed(vec![DOMAIN.to_owned()]).unwrap();
        let roots = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(roots.path(), made.cert.pem()).unwrap();
        let leaf = made.cert.der().to_vec();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (edge, dns) = (listener.local_addr().unwrap(), socket.local_addr().unwrap());
        let mut tasks = JoinSet::new();
        tasks.spawn(resolve(socket));
        let log = asked.clone();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, log) = (acceptor.clone(), log.clone());
                connections.spawn(async move {
                    // Some connect and say nothing, and some leave early.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _gone = serve(stream, manner, &log).await;
                    }
                });
            }
        });
        Self {
            dns,
            edge,
            roots,
            leaf,
            asked,
            _tasks: tasks,
        }
    }

    fn outside(&self, allow_private: bool) -> Connects {
        Connects::Outside {
            port: self.edge.port(),
            allow_private,
        }
    }

    async fn look(&self, connects: Connects) -> (Facts, Option<Problem>) {
        let request = Request {
            path: "/".into(),
            echo: Some("/headers".into()),
            label: "www".into(),
            connects,
            within: WITHIN,
            agent: "test",
        };
        let expected = Expected {
            distribution: DISTRIBUTION.into(),
            attached: Some(self.leaf.clone()),
            challenges: HashMap::new(),
            origin: "origin.example".into(),
            forwards_host: true,
            keeps_nothing: None,
            redirect_to: None,
            address_given: false,
        };
        let outside = Outside {
            names: Names::new(Some(self.dns)).unwrap(),
            trust: Trust::new(&tls::Roots::File(self.roots.path().to_owned())).unwrap(),
            request: &request,
            expected: &expected,
        };
        let begun = Instant::now();
        let facts = outside.look(DOMAIN).await;
        assert!(begun.elapsed() < WITHIN + BUSY, "{:?}", begun.elapsed());
        let problem = first_problem(&facts, &expected);
        (facts, problem)
    }

    /// What was asked for, without what makes a path unique.
    fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .map(|path| path.split('?').next().unwrap_or_default().to_owned())
            .collect()
    }
}

/// Answers that each name has the address 127.0.0.1, and nothing else (RFC 1035 §4.1).
async fn resolve(socket: UdpSocket) {
    let mut buffer = [0_u8; 4096];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        let query = &buffer[..length];
        let Some(end) = question_end(query) else { continue };
        let kind = u16::from_be_bytes([query[end - 4], query[end - 3]]);
        let mut message = query[..end].to_vec();
        message[2] = 0x84 | (query[2] & 1);
        message[3] = 0x80;
        message[4..6].copy_from_slice(&1_u16.to_be_bytes());
        message[6..12].fill(0);
        if kind == A {
            message[7] = 1;
            // The name of the question, type A, class IN, a TTL of 0, 4 bytes.
            message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
        }
        socket.send_to(&message, from).await.unwrap();
    }
}

fn question_end(query: &[u8]) -> Option<usize> {
    let name = query.get(12..)?.iter().position(|byte| *byte == 0)?;
    let end = 12 + name + 5;
    (end <= query.len()).then_some(end)
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    manner: Manner,
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut first = String::new();
    stream.read_line(&mut first).await?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == "\r\n" {
            break;
        }
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    log.lock().unwrap().push(path);
    match manner {
        Manner::Say(text) => stream.write_all(text.as_bytes()).await?,
        Manner::Pour(text) => {
            stream.write_all(text.as_bytes()).await?;
            loop {
                stream.write_all(&[b'x'; 8192]).await?;
            }
        }
        Manner::Nothing => std::future::pending().await,
    }
    stream.flush().await?;
    stream.shutdown().await
}

#[tokio::test]
async fn what_a_visitor_sees_is_seen() {
    let world = World::start(SERVED).await;
    let (facts, problem) = world.look(world.outside(true)).await;
    assert_eq!(problem, None, "{facts:?}");
    assert!(matches!(facts.dns, Dns::SameAddresses { .. }), "{facts:?}");
    assert!(facts.certificate.unwrap().attached);
    assert_eq!(facts.cache, Cache::Hit);
    assert!(matches!(facts.host, Header::NoEcho { .. }), "{:?}", facts.host);
    assert_eq!(world.asked(), ["/", "/", "/headers"]);
}

#[tokio::test]
async fn nothing_connects_to_an_address_that_is_not_outside() {
    let world = World::start(SERVED).await;
    let (facts, problem) = world.look(world.outside(false)).await;
    assert_eq!((facts.tls, problem), (Tls::NotPublic, Some(Problem::Tls)));
    assert!(facts.certificate.is_none() && facts.http == Http::NotTried);
    assert_eq!(world.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    let to = "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/\r\nContent-Length: 0\r\n\r\n";
    let world = World::start(Manner::Say(to)).await;
    let (facts, _) = world.look(world.outside(true)).await;
    let answer = Answer {
        status: 302,
        location: Some("http://169.254.169.254/latest/".into()),
        ..Answer::default()
    };
    assert_eq!(facts.http, Http::Answered(answer));
    assert_eq!(world.asked(), ["/", "/", "/headers"]);
}

#[tokio::test]
async fn a_head_without_end_a_body_without_end_and_silence_all_end() {
    for manner in [Manner::Pour("HTTP/1.1 200 OK\r\nX: "), Manner::Nothing] {
        let world = World::start(manner).await;
        let (facts, problem) = world.look(world.outside(true)).await;
        assert!(matches!(facts.http, Http::Failed { .. }), "{facts:?}");
        assert_eq!(problem, Some(Problem::NoAnswer));
    }
    let world = World::start(Manner::Pour("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")).await;
    let (facts, _) = world.look(world.outside(true)).await;
    assert!(
        matches!(&facts.http, Http::Answered(answer) if answer.status == 200),
        "{facts:?}"
    );
}
