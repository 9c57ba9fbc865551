//! The verification of a server's certificate.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::roots::{Roots, TrustError};

/// The verification level of a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Its issuer, and that it is for the server's name.
    Full,
    /// Its issuer, for any name: PostgreSQL's `verify-ca`.
    Issuer,
    /// Nothing: a passive eavesdropper can't read the traffic, but an active attacker can. PostgreSQL's `prefer`.
    Nothing,
}

/// A client that trusts `roots` and verifies at this level. `alpn` is the protocol's name in the handshake, if it has
/// one there.
///
/// # Errors
/// When there are no roots.
pub fn client_config(check: Check, roots: &Roots, alpn: Option<&[u8]>) -> Result<ClientConfig, TrustError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    // aws-lc-rs has both TLS 1.2 and 1.3, the only way this can fail.
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(|source| TrustError::Provider { source })?;
    let mut config = match check {
        Check::Full => builder.with_root_certificates(roots.load()?).with_no_client_auth(),
        Check::Issuer | Check::Nothing => {
            let roots = match check {
                Check::Issuer => Some(roots.load()?),
                _ => None,
            };
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Verifier {
                    provider,
                    roots,
                    name: None,
                }))
                .with_no_client_auth()
        }
    };
    config.alpn_protocols = alpn.map(<[u8]>::to_vec).into_iter().collect();
    Ok(config)
}

/// A client that trusts `roots`, and requires a certificate for `name` whatever name it sends in the handshake.
///
/// # Errors
/// When there are no roots.
pub fn client_config_for(
    name: ServerName<'static>,
    roots: &Roots,
    alpn: Option<&[u8]>,
) -> Result<ClientConfig, TrustError> {
    let mut config = client_config(Check::Nothing, roots, alpn)?;
    let verifier = Verifier {
        provider: Arc::new(aws_lc_rs::default_provider()),
        roots: Some(roots.load()?),
        name: Some(name),
    };
    config.dangerous().set_certificate_verifier(Arc::new(verifier));
    Ok(config)
}

/// Verifies the issuer when there are roots, and the name when there is one: not the name that is sent.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    roots: Option<RootCertStore>,
    name: Option<ServerName<'static>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.roots.is_none() && self.name.is_none() {
            return Ok(ServerCertVerified::assertion());
        }
        let certificate = ParsedCertificate::try_from(certificate)?;
        if let Some(roots) = &self.roots {
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms)?;
        }
        if let Some(name) = &self.name {
            verify_server_name(&certificate, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    // The presenter of the certificate has to hold its key, whatever else is verified.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
