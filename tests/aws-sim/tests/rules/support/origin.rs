//! An origin that echoes its requests.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::ca::Leaf;

/// The request that the origin received, as its JSON response describes it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) origin: String,
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// A running origin. `/status/503` responds with that status; `?cc=…` sets Cache-Control; every response sets a cookie.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    hits: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

impl Origin {
    pub(crate) async fn start(name: &'static str) -> Self {
        Self::serve(name, None).await
    }

    /// By https, with this certificate.
    pub(crate) async fn start_tls(name: &'static str, leaf: &Leaf) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.certificate.der().clone()], leaf.key_der())
            .unwrap();
        Self::serve(name, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn serve(name: &'static str, acceptor: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let hits = Arc::new(AtomicUsize::new(0));
        let mut task = JoinSet::new();
        let counted = Arc::clone(&hits);
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, hits) = (acceptor.clone(), Arc::clone(&counted));
                connections.spawn(async move {
                    let service = service_fn(move |request| answer(name, Arc::clone(&hits), request));
                    let server = hyper::server::conn::http1::Builder::new();
                    let _ = match acceptor {
                        None => server.serve_connection(TokioIo::new(stream), service).await,
                        Some(acceptor) => match acceptor.accept(stream).await {
                            Ok(stream) => server.serve_connection(TokioIo::new(stream), service).await,
                            Err(_) => return,
                        },
                    };
                });
            }
        });
        Self {
            address,
            hits,
            _task: task,
        }
    }

    /// The number of requests that it received.
    pub(crate) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }
}

async fn answer(
    name: &'static str,
    hits: Arc<AtomicUsize>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    hits.fetch_add(1, Ordering::SeqCst);
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let asked = Asked {
        origin: name.to_owned(),
        method: parts.method.to_string(),
        uri: parts.uri.to_string(),
        headers: headers.collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let status = parts
        .uri
        .path()
        .split("/status/")
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or(200);
    let mut response = Response::builder()
        .status(status)
        .header("set-cookie", "origin=1")
        .header("content-type", "application/json");
    if let Some(control) = parts.uri.query().and_then(|query| query.strip_prefix("cc=")) {
        response = response.header("cache-control", control);
    }
    Ok(response
        .body(Full::new(Bytes::from(serde_json::to_vec(&asked).unwrap())))
        .unwrap())
}
