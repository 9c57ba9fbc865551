//! The edge's default certificate for `*.cloudfront.net`, generated at startup.

use std::sync::Arc;

use rustls::sign::CertifiedKey;
use rustls_pki_types::PrivatePkcs8KeyDer;

/// A self-signed certificate for `*.cloudfront.net`.
#[derive(Debug)]
pub struct DefaultCertificate {
    /// PEM, for viewers that want to trust it.
    pub pem: String,
    /// Chain and key.
    pub keyed: Arc<CertifiedKey>,
}

/// Why it could not be generated.
#[derive(Debug, thiserror::Error)]
pub enum NoCertificate {
    /// Generating the key or the certificate failed.
    #[error("cannot make it")]
    Make(#[from] rcgen::Error),
    /// The TLS library does not accept the key.
    #[error("cannot use it")]
    Use(#[from] rustls::Error),
}

impl DefaultCertificate {
    /// Generates a new one.
    pub fn generate() -> Result<Self, NoCertificate> {
        let made = rcgen::generate_simple_self_signed(vec!["*.cloudfront.net".to_owned()])?;
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into();
        let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key)?;
        let pem = made.cert.pem();
        Ok(Self {
            pem,
            keyed: Arc::new(CertifiedKey::new(vec![made.cert.der().clone()], key)),
        })
    }
}
