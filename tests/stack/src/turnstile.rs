//! Requests to Pebble, one at a time.
//!
//! Pebble 2.10 can hang for ever when requests overlap: `FindValidAuthorization` holds the store's lock for reading and waits
//! for an authorization's lock, which the handler of an authorization holds while it waits to read the store behind a writer
//! (db/memorystore.go, wfe/wfe.go). Then every test of the stack fails, each after its patience.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::kx_group::X25519;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio_rustls::TlsAcceptor;

use crate::ca_connector::ca_connector;

/// In front of one Pebble. Cheap to clone.
#[derive(Clone)]
struct Turnstile {
    pebble: SocketAddr,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    acceptor: TlsAcceptor,
    turn: Arc<Mutex<()>>,
}

/// Listens with the certificate of Pebble's own server, and passes on what comes.
///
/// # Errors
/// When the files can't be read, or the address is taken.
pub(crate) async fn start(
    listen: SocketAddr,
    pebble: SocketAddr,
    ca: &Path,
    certificate: &Path,
    key: &Path,
) -> anyhow::Result<()> {
    let connector = ca_connector(ca)?;
    let key = PrivateKeyDer::from_pem_slice(&fs::read(key)?)?;
    // A client that resumes a session with Pebble's management interface, of the same name, takes no other group.
    let classic = CryptoProvider {
        kx_groups: vec![X25519],
        ..rustls::crypto::aws_lc_rs::default_provider()
    };
    let server = ServerConfig::builder_with_provider(Arc::new(classic))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from_pem_file(certificate)?], key)?;
    let turnstile = Turnstile {
        pebble,
        client: Client::builder(TokioExecutor::new()).build(connector),
        acceptor: TlsAcceptor::from(Arc::new(server)),
        turn: Arc::default(),
    };
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("in front of Pebble, at {listen}"))?;
    tokio::spawn(async move {
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(turnstile.clone().serve(stream));
            }
        }
    });
    Ok(())
}

impl Turnstile {
    /// Where Pebble is down, or ends the connection, so does this.
    async fn serve(self, stream: TcpStream) -> anyhow::Result<()> {
        stream.set_nodelay(true)?;
        let stream = self.acceptor.accept(stream).await?;
        let service = service_fn(|request| self.pass(request));
        http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await?;
        Ok(())
    }

    async fn pass(&self, request: Request<Incoming>) -> anyhow::Result<Response<Full<Bytes>>> {
        let (mut head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        // Pebble makes its URLs of the Host header, which stays as it is.
        let mut uri = std::mem::take(&mut head.uri).into_parts();
        uri.scheme = Some(Scheme::HTTPS);
        uri.authority = Some(Authority::try_from(format!("localhost:{}", self.pebble.port()))?);
        head.uri = Uri::from_parts(uri)?;
        head.headers.remove(CONNECTION);
        let _turn = self.turn.lock().await;
        let response = self.client.request(Request::from_parts(head, Full::new(body))).await?;
        let (mut head, body) = response.into_parts();
        head.headers.remove(TRANSFER_ENCODING);
        head.headers.remove(CONTENT_LENGTH);
        Ok(Response::from_parts(head, Full::new(body.collect().await?.to_bytes())))
    }
}
