//! The CA roots that count as publicly trusted, and the verification of chains against them.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::iam::certificate::Certificate;

/// CA roots from PEM files, in their current state.
#[derive(Debug)]
pub struct Roots {
    store: RootCertStore,
    configured: bool,
}

/// Why a chain is not trusted.
#[derive(Debug, thiserror::Error)]
pub enum Untrusted {
    /// No root could be read from the files.
    #[error("no trusted root could be read")]
    NoRoots,
    /// The certificate contains no name that could be verified.
    #[error("the certificate has no DNS name")]
    NoName,
    /// The chain does not lead to a root.
    #[error("{0}")]
    Chain(String),
}

impl Roots {
    /// Reads the files. A missing or unreadable file counts as empty, and is logged.
    pub fn read(files: &[PathBuf]) -> Self {
        let mut store = RootCertStore::empty();
        for file in files {
            match std::fs::read(file) {
                Ok(pem) => {
                    let certificates = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
                    store.add_parsable_certificates(certificates);
                }
                Err(error) => tracing::warn!(file = %file.display(), %error, "cannot read trusted roots"),
            }
        }
        Self {
            store,
            configured: !files.is_empty(),
        }
    }

    /// The roots in rustls' representation.
    pub fn store(self) -> RootCertStore {
        self.store
    }

    /// Whether a certificate's chain leads to one of the roots. If no file is configured, everything is trusted.
    pub fn verify(&self, certificate: &Certificate) -> Result<(), Untrusted> {
        if !self.configured {
            return Ok(());
        }
        if self.store.is_empty() {
            return Err(Untrusted::NoRoots);
        }
        let name = certificate
            .names
            .first()
            .ok_or(Untrusted::NoName)?
            .replace('*', "wildcard");
        let name = ServerName::try_from(name).map_err(|_| Untrusted::NoName)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(self.store.clone()), provider)
            .build()
            .map_err(|error| Untrusted::Chain(error.to_string()))?;
        let (leaf, chain) = certificate.keyed.cert.split_first().ok_or(Untrusted::NoName)?;
        verifier
            .verify_server_cert(leaf, chain, &name, &[], UnixTime::now())
            .map(|_| ())
            .map_err(|error| Untrusted::Chain(error.to_string()))
    }
}
