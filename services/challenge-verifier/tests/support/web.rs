//! Web servers with configurable responses.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// How a server handles a request.
#[derive(Clone)]
pub enum Manner {
    /// Responds.
    Say(String),
    /// Responds, then sends a byte now and then, for ever.
    Drip(String),
    /// Responds, then sends as fast as it can, for ever.
    Pour(String),
    /// Reads the request and doesn't respond.
    Nothing,
}

pub fn ok(body: &str) -> Manner {
    Manner::Say(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

pub fn status(line: &str) -> Manner {
    Manner::Say(format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n"))
}

pub fn redirect(location: &str) -> Manner {
    Manner::Say(format!(
        "HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    ))
}

/// A running web server; dropping this stops it.
pub struct Web {
    pub address: SocketAddr,
    /// Every request, as `<Host> <path>`.
    pub asked: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

type Manners = dyn Fn(&str, &str) -> Manner + Send + Sync;

impl Web {
    /// `manners` receives the host and the path.
    pub async fn start(manners: impl Fn(&str, &str) -> Manner + Send + Sync + 'static) -> Self {
        Self::with("127.0.0.1:0", None, manners).await
    }

    /// At another address.
    pub async fn start_at(at: &str, manners: impl Fn(&str, &str) -> Manner + Send + Sync + 'static) -> Self {
        Self::with(at, None, manners).await
    }

    /// The same over TLS, with a self-signed certificate.
    pub async fn start_tls(manners: impl Fn(&str, &str) -> Manner + Send + Sync + 'static) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["somebody.else".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        Self::with("127.0.0.1:0", Some(TlsAcceptor::from(Arc::new(config))), manners).await
    }

    async fn with(
        at: &str,
        tls: Option<TlsAcceptor>,
        manners: impl Fn(&str, &str) -> Manner + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(at).await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let manners: Arc<Manners> = Arc::new(manners);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tls, manners, log) = (tls.clone(), Arc::clone(&manners), Arc::clone(&log));
                connections.spawn(async move {
                    // A client that disconnects early is ignored.
                    let _gone = match tls {
                        None => serve(stream, &*manners, &log).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, &*manners, &log).await,
                            Err(error) => Err(error),
                        },
                    };
                });
            }
        });
        Self {
            address,
            asked,
            _tasks: tasks,
        }
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    manners: &Manners,
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut path, mut host) = (String::new(), String::new());
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == "\r\n" {
            break;
        }
        match line.trim_end().split_once(' ') {
            Some(("GET", rest)) => path = rest.trim_end_matches(" HTTP/1.1").to_owned(),
            Some((header, value)) if header.eq_ignore_ascii_case("host:") => host = value.to_owned(),
            _ => {}
        }
    }
    log.lock().unwrap().push(format!("{host} {path}"));
    match manners(&host, &path) {
        Manner::Say(text) => stream.write_all(text.as_bytes()).await,
        Manner::Nothing => std::future::pending().await,
        Manner::Drip(text) => {
            stream.write_all(text.as_bytes()).await?;
            let mut ticks = tokio::time::interval(Duration::from_millis(20));
            loop {
                ticks.tick().await;
                stream.write_all(b"x").await?;
                stream.flush().await?;
            }
        }
        Manner::Pour(text) => {
            stream.write_all(text.as_bytes()).await?;
            loop {
                stream.write_all(&[b'x'; 8192]).await?;
            }
        }
    }?;
    stream.flush().await?;
    stream.shutdown().await
}
