//! Starts the four listeners and keeps them running.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::edge::certificate::{DefaultCertificate, NoCertificate};
use crate::edge::http::Edge;
use crate::edge::tls;
use crate::journal::Journal;
use crate::settings::Settings;
use crate::state::Sim;
use crate::{admin, api, edge};

/// Why the simulator could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// The system's error.
        source: std::io::Error,
    },
    /// The TLS configuration is invalid.
    #[error("TLS")]
    Tls(#[from] rustls::Error),
    /// The journal cannot be created.
    #[error("the journal")]
    Journal(#[from] std::io::Error),
    /// The edge's default certificate cannot be generated.
    #[error("the edge's own certificate")]
    Certificate(#[from] NoCertificate),
}

/// A running simulator; stopped on drop.
#[derive(Debug)]
pub struct Running {
    /// The API of all services, plain HTTP.
    pub api_addr: SocketAddr,
    /// Admin endpoint, plain HTTP.
    pub admin_addr: SocketAddr,
    /// Edge, HTTP.
    pub edge_http_addr: SocketAddr,
    /// Edge, HTTPS.
    pub edge_https_addr: SocketAddr,
    /// The shared state, for tests in the same process.
    pub sim: Arc<Sim>,
    /// Dropping the set aborts the listeners' tasks.
    _tasks: JoinSet<()>,
}

impl Running {
    /// The line that `aws-sim` prints when it is ready.
    pub fn announcement(&self) -> serde_json::Value {
        serde_json::json!({
            "api": format!("http://{}", self.api_addr),
            "admin": format!("http://{}", self.admin_addr),
            "edge_http": self.edge_http_addr.to_string(),
            "edge_https": self.edge_https_addr.to_string(),
        })
    }
}

/// Binds all listeners and starts to serve.
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    let (api, api_addr) = bind(settings.api_listen).await?;
    let (admin, admin_addr) = bind(settings.admin_listen).await?;
    let (edge_http, edge_http_addr) = bind(settings.edge_http_listen).await?;
    let (edge_https, edge_https_addr) = bind(settings.edge_https_listen).await?;
    let https_port = settings.edge_https_public_port.unwrap_or(edge_https_addr.port());
    let journal = Journal::open(settings.journal.as_deref())?;
    let sim = Arc::new(Sim::new(settings, DefaultCertificate::generate()?, journal));
    let edge = Arc::new(Edge::new(Arc::clone(&sim), https_port));
    let acceptor = TlsAcceptor::from(Arc::new(tls::server_config(Arc::clone(&sim))?));

    let mut tasks = JoinSet::new();
    tasks.spawn(serve_api(api, Arc::clone(&sim)));
    tasks.spawn(serve_admin(admin, Arc::clone(&sim)));
    tasks.spawn(serve_edge(edge_http, Arc::clone(&edge), None));
    tasks.spawn(serve_edge(edge_https, edge, Some(acceptor)));
    Ok(Running {
        api_addr,
        admin_addr,
        edge_http_addr,
        edge_https_addr,
        sim,
        _tasks: tasks,
    })
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let listen = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let bound = listener.local_addr().map_err(listen)?;
    Ok((listener, bound))
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Without this, small responses wait for the peer's delayed acknowledgement.
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept");
                // Probably out of file descriptors: wait until some are closed.
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve_api(listener: TcpListener, sim: Arc<Sim>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = accept(&listener).await;
        let sim = Arc::clone(&sim);
        connections.spawn(async move {
            let service = service_fn(move |request| api::serve(Arc::clone(&sim), request));
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
            log(served);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn serve_admin(listener: TcpListener, sim: Arc<Sim>) {
    if let Err(error) = axum::serve(listener, admin::router(sim)).await {
        tracing::error!(%error, "the admin endpoint stopped");
    }
}

async fn serve_edge(listener: TcpListener, edge: Arc<Edge>, acceptor: Option<TlsAcceptor>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, peer) = accept(&listener).await;
        let (edge, acceptor) = (Arc::clone(&edge), acceptor.clone());
        connections.spawn(async move {
            let https = acceptor.is_some();
            let service = service_fn(move |request| edge::http::serve(Arc::clone(&edge), https, peer.ip(), request));
            let mut builder = http1::Builder::new();
            let builder = builder.timer(TokioTimer::new());
            let served = match acceptor {
                None => builder.serve_connection(TokioIo::new(stream), service).await,
                Some(acceptor) => match acceptor.accept(stream).await {
                    Ok(stream) => builder.serve_connection(TokioIo::new(stream), service).await,
                    Err(error) => {
                        tracing::debug!(%peer, %error, "TLS handshake failed");
                        return;
                    }
                },
            };
            log(served);
        });
        while connections.try_join_next().is_some() {}
    }
}

fn log(served: hyper::Result<()>) {
    if let Err(error) = served {
        tracing::debug!(%error, "connection ended");
    }
}
