//! The checks of IAM on an uploaded certificate: PEM, key, chain, validity.
//!
//! Source: service model, `UploadServerCertificate`; IAM User Guide, "Manage server certificates in IAM".

use std::sync::Arc;

use aws_lc_rs::digest;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::xml::refuse;
use crate::error::{Answer, ApiError};
use crate::ids;

const NOT_PARSABLE: &str = "Unable to parse certificate. Please ensure the certificate is in PEM format.";
const P256: &str = "1.2.840.10045.3.1.7";

/// The contents of the three PEM texts.
#[derive(Debug)]
pub struct Parsed {
    /// DNS names that the leaf covers.
    pub names: Vec<String>,
    /// SHA-256 of the leaf.
    pub fingerprint: String,
    /// Validity of the leaf.
    pub validity: (OffsetDateTime, OffsetDateTime),
    /// Whether CloudFront supports keys of this kind: RSA 2048, 3072, 4096 and ECDSA P-256.
    pub key_fits_cloudfront: bool,
    /// Chain and key, ready for TLS.
    pub keyed: CertifiedKey,
}

/// Checks body, key and chain.
pub fn parse(body: &str, key: &str, chain: Option<&str>) -> Answer<Parsed> {
    let leaf = match &certificates(body)?[..] {
        [leaf] => leaf.clone(),
        _ => return Err(malformed(NOT_PARSABLE)),
    };
    let (_, x509) = X509Certificate::from_der(&leaf).map_err(|_| malformed(NOT_PARSABLE))?;
    let not_after = x509.validity().not_after.to_datetime();
    if not_after < OffsetDateTime::now_utc() {
        return Err(malformed("The certificate has expired."));
    }
    let chain = chain.map(certificates).transpose()?.unwrap_or_default();
    in_order(&x509, &chain)?;

    let names = dns_names(&x509);
    let key_fits_cloudfront = fits_cloudfront(&x509);
    let validity = (x509.validity().not_before.to_datetime(), not_after);
    let fingerprint = ids::hex(digest::digest(&digest::SHA256, &leaf).as_ref());
    let signing = rustls::crypto::aws_lc_rs::sign::any_supported_type(&private_key(key)?)
        .map_err(|_| malformed("Unable to parse the private key."))?;
    let own = signing
        .public_key()
        .ok_or_else(|| malformed("Unable to parse the private key."))?;
    if own.as_ref() != x509.public_key().raw {
        return Err(refuse(
            "KeyPairMismatch",
            "The private key does not match the public key of the certificate.",
        ));
    }
    let keyed = CertifiedKey {
        cert: std::iter::once(leaf.clone()).chain(chain).collect(),
        key: Arc::clone(&signing),
        ocsp: None,
    };
    Ok(Parsed {
        names,
        fingerprint,
        validity,
        key_fits_cloudfront,
        keyed,
    })
}

fn certificates(pem: &str) -> Answer<Vec<CertificateDer<'static>>> {
    let all = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    match all {
        Ok(all) if !all.is_empty() && pem.matches("-----BEGIN").count() == all.len() => Ok(all),
        _ => Err(malformed(NOT_PARSABLE)),
    }
}

fn private_key(pem: &str) -> Answer<PrivateKeyDer<'static>> {
    if pem.contains("ENCRYPTED") {
        return Err(malformed("The private key must not be protected by a pass phrase."));
    }
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| malformed("Unable to parse the private key."))
}

/// Each certificate of the chain must have signed the previous one; compared by name, as signatures are checked when
/// the certificate is attached.
fn in_order(leaf: &X509Certificate<'_>, chain: &[CertificateDer<'static>]) -> Answer<()> {
    let mut issuer = leaf.issuer().as_raw().to_vec();
    for (index, der) in chain.iter().enumerate() {
        let (_, next) = X509Certificate::from_der(der).map_err(|_| malformed(NOT_PARSABLE))?;
        if next.subject().as_raw() != issuer {
            return Err(malformed(&format!(
                "Unable to validate certificate chain. The certificate chain must start with the immediate signing \
                 certificate, followed by any intermediaries in order. The index within the chain of the invalid \
                 certificate is: {index}"
            )));
        }
        issuer = next.issuer().as_raw().to_vec();
    }
    Ok(())
}

fn dns_names(leaf: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(alternatives)) = leaf.subject_alternative_name() else {
        return Vec::new();
    };
    let names = alternatives.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    names.collect()
}

fn fits_cloudfront(leaf: &X509Certificate<'_>) -> bool {
    let spki = leaf.public_key();
    match spki.parsed() {
        Ok(PublicKey::RSA(rsa)) => matches!(rsa.key_size(), 2048 | 3072 | 4096),
        Ok(PublicKey::EC(_)) => {
            let curve = spki.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok());
            curve.is_some_and(|curve| curve.to_id_string() == P256)
        }
        _ => false,
    }
}

fn malformed(message: &str) -> ApiError {
    refuse("MalformedCertificate", message)
}
