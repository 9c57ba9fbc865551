//! TLS errors, in one line for the person who has to fix them.

use std::error::Error;

use rustls::CertificateError as Bad;

/// Why a TLS connection failed. The caller knows the server and the setting, and adds them.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The certificate is for other names.
    #[error("the certificate of {wanted} is for {}", list(.presented))]
    WrongName {
        /// The name or address that was connected to.
        wanted: String,
        /// The names in the certificate.
        presented: Vec<String>,
    },
    /// It was not issued by a trusted CA.
    #[error("the server's certificate is not from a CA that is trusted")]
    UnknownIssuer,
    /// It has expired.
    #[error("the server's certificate has expired")]
    Expired,
    /// It is not valid yet; or the clock here is wrong.
    #[error("the server's certificate is not valid yet (or the clock of this machine is wrong)")]
    NotYetValid,
    /// The response was not TLS.
    #[error("the server does not speak TLS there")]
    NoTls,
    /// Any other error, in rustls' words.
    #[error("the TLS handshake failed: {0}")]
    Handshake(rustls::Error),
}

impl Problem {
    /// Finds the rustls error in an error and its causes.
    pub fn find(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref::<rustls::Error>() {
                return Some(Self::from(found));
            }
            // The source of an `io::Error` skips the very error that it wraps.
            let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
            next = match inner {
                Some(inner) => Some(inner),
                None => error.source(),
            };
        }
        None
    }
}

impl From<&rustls::Error> for Problem {
    fn from(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(Bad::NotValidForNameContext { expected, presented }) => Self::WrongName {
                wanted: expected.to_str().into_owned(),
                presented: presented.iter().map(|name| bare(name)).collect(),
            },
            // A bad signature means a CA of the same name with another key: one that was recreated.
            rustls::Error::InvalidCertificate(Bad::UnknownIssuer | Bad::BadSignature) => Self::UnknownIssuer,
            // A certificate that is its own CA, and was not created as a CA, is not trusted either.
            rustls::Error::InvalidCertificate(Bad::Other(other)) if other.to_string().contains("CaUsedAsEndEntity") => {
                Self::UnknownIssuer
            }
            rustls::Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => Self::Expired,
            rustls::Error::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => Self::NotYetValid,
            rustls::Error::InvalidMessage(_) => Self::NoTls,
            other => Self::Handshake(other.clone()),
        }
    }
}

/// `DnsName("a.example")`, as rustls formats it, without the wrapping.
fn bare(name: &str) -> String {
    let inside = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inside.unwrap_or(name).trim_matches('"').to_string()
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "no name at all (subjectAltName)".to_string();
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
    use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream};
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    use super::*;
    use crate::{Check, Roots, client_config, client_config_for};

    struct Server {
        address: SocketAddr,
        ca: tempfile::NamedTempFile,
    }

    /// A server whose certificate is for `names`; its CA.
    async fn server(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Server {
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.distinguished_name.push(DnType::CommonName, "a CA of this test");
        let ca_key = KeyPair::generate().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), ca.self_signed(&ca_key).unwrap().pem()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_string()).collect();
        let mut leaf = CertificateParams::new(names).unwrap();
        change(&mut leaf);
        let leaf = leaf.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![leaf.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                drop(acceptor.accept(stream).await);
            }
        });
        Server { address, ca: file }
    }

    async fn meet(server: &Server, name: &str, check: Check, roots: &Roots) -> Result<(), Problem> {
        ask_for(server, name, client_config(check, roots, None).unwrap()).await
    }

    async fn ask_for(server: &Server, name: &str, config: rustls::ClientConfig) -> Result<(), Problem> {
        let stream = TcpStream::connect(server.address).await.unwrap();
        let name = ServerName::try_from(name.to_string()).unwrap();
        match TlsConnector::from(Arc::new(config)).connect(name, stream).await {
            Ok(_) => Ok(()),
            Err(error) => Err(Problem::find(&error).expect("rustls' own word")),
        }
    }

    #[tokio::test]
    async fn who_and_for_which_name_is_checked_as_asked() {
        let ours = server(&["db.example", "127.0.0.1"], |_| ()).await;
        let other = server(&["db.example"], |_| ()).await;
        let known = Roots::from_file(Some(ours.ca.path()));
        let foreign = Roots::from_file(Some(other.ca.path()));
        for name in ["db.example", "127.0.0.1"] {
            assert_eq!(meet(&ours, name, Check::Full, &known).await, Ok(()));
        }
        let wrong = meet(&ours, "evil.example", Check::Full, &known).await.unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "the certificate of evil.example is for db.example, 127.0.0.1"
        );
        for check in [Check::Full, Check::Issuer] {
            let untrusted = meet(&ours, "db.example", check, &foreign).await;
            assert_eq!(untrusted, Err(Problem::UnknownIssuer), "{check:?}");
        }
        assert_eq!(meet(&ours, "evil.example", Check::Issuer, &known).await, Ok(()));
        assert_eq!(meet(&ours, "evil.example", Check::Nothing, &foreign).await, Ok(()));
    }

    #[tokio::test]
    async fn the_certificate_may_have_to_be_for_another_name_than_is_asked_for() {
        let server = server(&["*.apps.example", "apps.example"], |_| ()).await;
        let roots = Roots::from_file(Some(server.ca.path()));
        let wanted = |name: &str| ServerName::try_from(name.to_string()).unwrap();
        for (wanted_name, fits) in [
            ("apps.example", true),
            ("a.apps.example", true),
            ("other.example", false),
        ] {
            let config = client_config_for(wanted(wanted_name), &roots, None).unwrap();
            let met = ask_for(&server, "www.tenant.example", config).await;
            assert_eq!(met.is_ok(), fits, "{met:?}");
        }
        let config = client_config_for(wanted("apps.example"), &Roots::System, None).unwrap();
        assert_eq!(
            ask_for(&server, "apps.example", config).await,
            Err(Problem::UnknownIssuer)
        );
    }

    #[tokio::test]
    async fn time_and_plain_text_are_told() {
        let past = server(&["db.example"], |leaf| {
            leaf.not_before = rcgen::date_time_ymd(2020, 1, 1);
            leaf.not_after = rcgen::date_time_ymd(2021, 1, 1);
        })
        .await;
        let roots = Roots::from_file(Some(past.ca.path()));
        assert_eq!(
            meet(&past, "db.example", Check::Full, &roots).await,
            Err(Problem::Expired)
        );
        assert_eq!(
            meet(&past, "db.example", Check::Issuer, &roots).await,
            Err(Problem::Expired)
        );
        let future = server(&["db.example"], |leaf| {
            leaf.not_before = rcgen::date_time_ymd(2100, 1, 1);
            leaf.not_after = rcgen::date_time_ymd(2101, 1, 1);
        })
        .await;
        let roots = Roots::from_file(Some(future.ca.path()));
        assert_eq!(
            meet(&future, "db.example", Check::Full, &roots).await,
            Err(Problem::NotYetValid)
        );
        // The response of a RabbitMQ without TLS to anything that it doesn't understand.
        let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let plain_server = Server {
            address: plain.local_addr().unwrap(),
            ca: past.ca,
        };
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = plain.accept().await {
                stream.write_all(b"AMQP\x00\x00\x09\x01").await.unwrap();
            }
        });
        let roots = Roots::from_file(Some(plain_server.ca.path()));
        assert_eq!(
            meet(&plain_server, "db.example", Check::Full, &roots).await,
            Err(Problem::NoTls)
        );
    }
}
