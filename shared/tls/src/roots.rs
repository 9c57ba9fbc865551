//! The trusted CAs.

use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// The trusted CAs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roots {
    /// The CAs that the system trusts (`SSL_CERT_FILE` and `SSL_CERT_DIR` name others).
    System,
    /// The CAs of this PEM file, and no others.
    File(PathBuf),
}

/// Why there are no trusted CAs.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The system has no CA certificates.
    #[error("the system has no trusted CA certificates: install them (Debian: ca-certificates), or name a file of CAs")]
    NoSystemRoots,
    /// The file can't be read, or something in it is not a CA certificate.
    #[error("{path}: can't be used as a PEM file of CA certificates")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The cryptographic library lacks something that TLS needs.
    #[error("TLS can't be set up")]
    Provider {
        /// The cause.
        #[source]
        source: rustls::Error,
    },
    /// The file contains no certificate.
    #[error("{path}: no certificate in it; a PEM file with a CA's certificate is needed")]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl Roots {
    /// The CAs of the file, or the system's.
    pub fn from_file(path: Option<&Path>) -> Self {
        path.map_or(Self::System, |path| Self::File(path.to_owned()))
    }

    pub(crate) fn load(&self) -> Result<RootCertStore, TrustError> {
        let mut store = RootCertStore::empty();
        let path = match self {
            Self::System => {
                store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                return if store.is_empty() {
                    Err(TrustError::NoSystemRoots)
                } else {
                    Ok(store)
                };
            }
            Self::File(path) => path,
        };
        let unusable = |source: Box<dyn std::error::Error + Send + Sync>| TrustError::Unusable {
            path: path.clone(),
            source,
        };
        for root in CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.into()))? {
            let root = root.map_err(|error| unusable(error.into()))?;
            store.add(root).map_err(|error| unusable(error.into()))?;
        }
        if store.is_empty() {
            return Err(TrustError::Empty { path: path.clone() });
        }
        Ok(store)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_told_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let load = || Roots::File(path.clone()).load().unwrap_err().to_string();
        assert!(load().contains("ca.pem: can't be used"), "{}", load());
        std::fs::write(&path, "# nothing\n").unwrap();
        assert!(load().contains("ca.pem: no certificate in it"), "{}", load());
        std::fs::write(&path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(load().contains("ca.pem: can't be used"), "{}", load());
    }
}
