//! Connections to origins.

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::config::Origin;
use super::pages::Answer;
use crate::settings::Settings;
use crate::trust::Roots;

const MAX_BODY: usize = 64 * 1024 * 1024;

/// The actual address of a named origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginMapping {
    host: String,
    port: Option<u16>,
    address: SocketAddr,
}

/// A mapping that is not `host[:port]=ip:port`.
#[derive(Debug, thiserror::Error)]
#[error("expected host:port=ip:port or host=ip:port")]
pub struct BadMapping;

impl FromStr for OriginMapping {
    type Err = BadMapping;

    fn from_str(text: &str) -> Result<Self, BadMapping> {
        let (name, address) = text.split_once('=').ok_or(BadMapping)?;
        let address = address.parse().map_err(|_| BadMapping)?;
        let (host, port) = match name.split_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| BadMapping)?)),
            None => (name, None),
        };
        Ok(Self {
            host: host.to_ascii_lowercase(),
            port,
            address,
        })
    }
}

/// Why an origin did not respond, and the viewer's status for it.
#[derive(Debug, thiserror::Error)]
pub enum OriginError {
    /// No connection, a broken one, or an invalid certificate.
    #[error("CloudFront wasn't able to connect to the origin: {0}")]
    Connection(String),
    /// No response in time.
    #[error("CloudFront wasn't able to connect to the origin in time.")]
    TimedOut,
}

impl OriginError {
    /// 502 or 504.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Connection(_) => StatusCode::BAD_GATEWAY,
            Self::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}

/// Sends a request to an origin and reads the whole response. `host` is the Host header.
pub async fn fetch(
    settings: &Settings,
    origin: &Origin,
    https: bool,
    host: &str,
    request: Request<Full<Bytes>>,
) -> Result<Answer, OriginError> {
    let stream = connect(
        settings,
        origin,
        if https { origin.https_port } else { origin.http_port },
    )
    .await?;
    if !https {
        return exchange(origin, stream, request).await;
    }
    let connector = TlsConnector::from(Arc::new(tls(settings, origin, host)?));
    // The SNI is the forwarded Host if there is one, as the origin may serve many names.
    let name = server_name(host)?;
    let stream = timeout(origin.connect_timeout, connector.connect(name, stream)).await;
    let stream = stream.map_err(|_| OriginError::TimedOut)?.map_err(broken)?;
    exchange(origin, stream, request).await
}

async fn connect(settings: &Settings, origin: &Origin, port: u16) -> Result<TcpStream, OriginError> {
    let mapped = settings
        .origin_map
        .iter()
        .find(|mapping| mapping.host == origin.domain && mapping.port.is_none_or(|mapped| mapped == port))
        .map(|mapping| mapping.address)
        .or(settings.origin_default);
    let mut last = OriginError::TimedOut;
    for _ in 0..origin.attempts {
        let connecting = async {
            match mapped {
                Some(address) => TcpStream::connect(address).await,
                None => TcpStream::connect((origin.domain.as_str(), port)).await,
            }
        };
        match timeout(origin.connect_timeout, connecting).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = broken(error),
            Err(_) => last = OriginError::TimedOut,
        }
    }
    Err(last)
}

async fn exchange<S>(origin: &Origin, stream: S, request: Request<Full<Bytes>>) -> Result<Answer, OriginError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    tokio::spawn(connection);
    let exchange = async {
        let (parts, body) = sender.send_request(request).await.map_err(broken)?.into_parts();
        let body = Limited::new(body, MAX_BODY).collect().await.map_err(broken)?.to_bytes();
        Ok(Answer::from_parts(parts, body))
    };
    timeout(origin.read_timeout, exchange)
        .await
        .map_err(|_| OriginError::TimedOut)?
}

fn broken(error: impl std::fmt::Display) -> OriginError {
    OriginError::Connection(error.to_string())
}

fn server_name(host: &str) -> Result<ServerName<'static>, OriginError> {
    ServerName::try_from(host.to_owned()).map_err(broken)
}

fn tls(settings: &Settings, origin: &Origin, host: &str) -> Result<ClientConfig, OriginError> {
    let files = [&settings.trusted_roots[..], &settings.origin_roots[..]].concat();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let roots = Arc::new(Roots::read(&files).store());
    let inner = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
        .build()
        .map_err(broken)?;
    let verifier = EitherName {
        inner,
        names: vec![server_name(&origin.domain)?, server_name(host)?],
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(broken)?;
    Ok(config
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// Accepts a certificate that is valid for the origin's name or for the forwarded Host (Developer Guide, "Requirements for
/// using HTTPS to communicate with your custom origin").
#[derive(Debug)]
struct EitherName {
    inner: Arc<WebPkiServerVerifier>,
    names: Vec<ServerName<'static>>,
}

impl ServerCertVerifier for EitherName {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        asked: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let by_asked = self.inner.verify_server_cert(leaf, chain, asked, ocsp, now);
        self.names.iter().fold(by_asked, |so_far, name| {
            so_far.or_else(|_| self.inner.verify_server_cert(leaf, chain, name, ocsp, now))
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, leaf, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, leaf, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
