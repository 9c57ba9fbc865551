//! One GET to one address that was checked before: no look-up, no redirect, a small response only.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, CONNECTION, HOST, LOCATION, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::target::Target;

/// Let's Encrypt reads no more either; a key authorization has 87 bytes.
pub(super) const MOST_BYTES: usize = 128;
/// The most bytes of a response's head that are read.
const LARGEST_HEAD: usize = 16 * 1024;

/// A response.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) location: Option<Vec<u8>>,
    /// The body of a 200, cut just above [`MOST_BYTES`].
    pub(super) body: Vec<u8>,
}

/// Connects to `address`. The caller limits the time.
pub(super) async fn connect(address: SocketAddr) -> Result<TcpStream, String> {
    let stream = TcpStream::connect(address).await.map_err(by_kind)?;
    stream.set_nodelay(true).map_err(by_kind)?;
    Ok(stream)
}

/// Sends the request for `target` and reads the answer. The caller limits the time.
pub(super) async fn get(target: &Target, stream: TcpStream, tls: &Arc<ClientConfig>) -> Result<Response, String> {
    if !target.tls {
        return exchange(target, stream).await;
    }
    let name = ServerName::try_from(target.host.clone()).map_err(|error| error.to_string())?;
    let connector = TlsConnector::from(Arc::clone(tls));
    let stream = connector
        .connect(name, stream)
        .await
        .map_err(|error| format!("TLS: {error}"))?;
    exchange(target, stream).await
}

async fn exchange(
    target: &Target,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> Result<Response, String> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(LARGEST_HEAD);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(said)?;
    // Dropping the set closes the connection on every return path.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let request = Request::get(&target.path)
        .header(HOST, &target.host)
        .header(
            USER_AGENT,
            concat!("cdn-broker-challenge-verifier/", env!("CARGO_PKG_VERSION")),
        )
        // Some firewalls treat a request without it as a bot's.
        .header(ACCEPT, "*/*")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(said)?;
    let status = response.status();
    let location = response.headers().get(LOCATION).map(|value| value.as_bytes().to_vec());
    let body = if status == StatusCode::OK {
        beginning(response.into_body()).await?
    } else {
        Vec::new()
    };
    Ok(Response { status, location, body })
}

async fn beginning(mut body: Incoming) -> Result<Vec<u8>, String> {
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(said)?.into_data() {
            read.extend_from_slice(&data[..data.len().min(MOST_BYTES + 1)]);
        }
        if read.len() > MOST_BYTES {
            break;
        }
    }
    read.truncate(MOST_BYTES + 1);
    Ok(read)
}

fn by_kind(error: io::Error) -> String {
    error.kind().to_string()
}

fn said(error: hyper::Error) -> String {
    error.to_string()
}
