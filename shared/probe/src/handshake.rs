//! A TLS handshake with the edge, as a browser would do it; a certificate that fails verification is still recorded.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pipeline::outside::Tls;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tls::{Check, Problem, Roots, TrustError};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The connection timeout for one of several addresses.
const PATIENCE: Duration = Duration::from_secs(3);

/// The trusted roots.
#[derive(Clone)]
pub struct Trust {
    verified: Arc<ClientConfig>,
    unverified: Arc<ClientConfig>,
}

impl Trust {
    /// These roots.
    ///
    /// # Errors
    /// When they can't be read, or there are none.
    pub fn new(roots: &Roots) -> Result<Self, TrustError> {
        let config = |check| tls::client_config(check, roots, Some(b"http/1.1")).map(Arc::new);
        Ok(Self {
            verified: config(Check::Full)?,
            unverified: config(Check::Nothing)?,
        })
    }

    /// A verified connection.
    pub(crate) async fn open(&self, domain: &str, address: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
        connect(&self.verified, domain, address).await
    }
}

/// The result of a handshake.
pub(crate) struct Met {
    pub(crate) tls: Tls,
    /// The presented certificate, DER.
    pub(crate) leaf: Option<Vec<u8>>,
    /// The address that answered.
    pub(crate) address: Option<SocketAddr>,
}

impl Met {
    pub(crate) fn nobody(tls: Tls) -> Self {
        Self {
            tls,
            leaf: None,
            address: None,
        }
    }
}

/// Performs a handshake with the first address that accepts a connection.
pub(crate) async fn meet(trust: &Trust, domain: &str, addresses: &[SocketAddr]) -> Met {
    let mut last = Met::nobody(Tls::NotTried);
    for address in addresses {
        let why = match timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return shake(trust, domain, *address).await,
            Ok(Err(error)) => format!("{address}: {}", error.kind()),
            Err(_) => format!("{address}: no answer"),
        };
        last = Met::nobody(Tls::NoConnection { why });
    }
    last
}

async fn shake(trust: &Trust, domain: &str, address: SocketAddr) -> Met {
    let (tls, stream) = match trust.open(domain, address).await {
        Ok(stream) => {
            let version = match stream.get_ref().1.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_3) => "1.3",
                _ => "1.2",
            };
            let version = version.to_owned();
            (Tls::Verified { version }, Some(stream))
        }
        Err(error) => {
            let tls = refused(&error);
            let shown = !matches!(tls, Tls::NoHandshake { .. } | Tls::NoConnection { .. });
            let again = if shown {
                connect(&trust.unverified, domain, address).await.ok()
            } else {
                None
            };
            (tls, again)
        }
    };
    let leaf = stream
        .as_ref()
        .and_then(|stream| stream.get_ref().1.peer_certificates()?.first());
    Met {
        tls,
        leaf: leaf.map(|leaf| leaf.to_vec()),
        address: Some(address),
    }
}

async fn connect(config: &Arc<ClientConfig>, domain: &str, address: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
    let name =
        ServerName::try_from(domain.to_owned()).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::clone(config)).connect(name, stream).await
}

fn refused(error: &io::Error) -> Tls {
    match Problem::find(error) {
        Some(Problem::WrongName { .. }) => Tls::WrongName,
        Some(Problem::UnknownIssuer) => Tls::UnknownIssuer,
        Some(Problem::Expired) => Tls::Expired,
        Some(Problem::NotYetValid) => Tls::NotYetValid,
        Some(other) => Tls::NoHandshake { why: other.to_string() },
        None => Tls::NoHandshake {
            why: error.kind().to_string(),
        },
    }
}
