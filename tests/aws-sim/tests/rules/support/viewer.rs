//! A viewer at the edge.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, request::Builder};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::World;
use super::origin::Asked;

/// One plain HTTP request; a `host` header is added unless there is one.
pub(crate) async fn plain(address: SocketAddr, request: Builder, body: String) -> Response<Bytes> {
    let stream = TcpStream::connect(address).await.unwrap();
    exchange(stream, request, body).await
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    request: Builder,
    body: String,
) -> Response<Bytes> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let mut request: Request<Full<Bytes>> = request.body(Full::new(Bytes::from(body))).unwrap();
    request
        .headers_mut()
        .entry("host")
        .or_insert(http::HeaderValue::from_static("localhost"));
    let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
    Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}

/// A TLS connection to the edge for a name, trusting one root.
pub(crate) async fn connect(
    world: &World,
    name: &str,
    root: CertificateDer<'static>,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(root).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(world.running.edge_https_addr).await.unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(ServerName::try_from(name.to_owned()).unwrap(), stream)
        .await
}

impl World {
    /// A GET by http.
    pub(crate) async fn get(&self, host: &str, path: &str) -> Response<Bytes> {
        self.http(Request::get(path).header("host", host)).await
    }

    /// Any request by http.
    pub(crate) async fn http(&self, request: Builder) -> Response<Bytes> {
        plain(self.running.edge_http_addr, request, String::new()).await
    }

    /// A GET by https, trusting the world's CA.
    pub(crate) async fn get_https(&self, host: &str, path: &str) -> std::io::Result<Response<Bytes>> {
        let stream = connect(self, host, self.ca.der()).await?;
        Ok(exchange(stream, Request::get(path).header("host", host), String::new()).await)
    }

    /// A POST by http.
    pub(crate) async fn post(&self, host: &str, path: &str, body: &str) -> Response<Bytes> {
        plain(
            self.running.edge_http_addr,
            Request::post(path).header("host", host),
            body.to_owned(),
        )
        .await
    }
}

/// The request that the origin received, parsed from its response.
#[track_caller]
pub(crate) fn asked(answer: &Response<Bytes>) -> Asked {
    serde_json::from_slice(answer.body()).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

/// A header of a response.
pub(crate) fn header<'a>(answer: &'a Response<Bytes>, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}
