//! Certificates: their keys, the certificate signing request (RFC 2986), and the check that the issued certificate
//! matches it. Pure.

use std::collections::BTreeSet;

use pipeline::instance::KeyType;
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PublicKeyData as _};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use secrecy::{ExposeSecret as _, SecretBox};
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use crate::client::words::clean;

/// The tolerated clock difference.
const CLOCK_SKEW: Duration = Duration::minutes(5);

/// A new private key, PKCS #8 DER. Generating an RSA key takes long, so don't call this on the async threads.
///
/// # Errors
/// When the cryptographic library fails.
pub(crate) fn new_key(key_type: KeyType) -> Result<SecretBox<Vec<u8>>, rcgen::Error> {
    let algorithm = match key_type {
        KeyType::EcdsaP256 => &rcgen::PKCS_ECDSA_P256_SHA256,
        KeyType::Rsa2048 => &rcgen::PKCS_RSA_SHA256,
    };
    let key = KeyPair::generate_for(algorithm)?;
    Ok(SecretBox::new(Box::new(key.serialize_der())))
}

fn key_pair(pkcs8: &SecretBox<Vec<u8>>) -> Result<KeyPair, rcgen::Error> {
    KeyPair::try_from(&PrivatePkcs8KeyDer::from(pkcs8.expose_secret().as_slice()))
}

/// A certificate signing request for these names, DER; without a subject, since CAs read the names from the extension
/// alone.
///
/// # Errors
/// When a name is not a DNS name, or the key can't be used.
pub(crate) fn signing_request(domains: &[String], key: &SecretBox<Vec<u8>>) -> Result<Vec<u8>, rcgen::Error> {
    let mut params = CertificateParams::new(domains.to_vec())?;
    params.distinguished_name = DistinguishedName::new();
    Ok(params.serialize_request(&key_pair(key)?)?.der().to_vec())
}

/// A certificate's validity period.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) not_before: OffsetDateTime,
    pub(crate) not_after: OffsetDateTime,
}

/// A defect of a certificate.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Flaw {
    #[error("it can't be read: {0}")]
    Unreadable(String),
    #[error("it is for {found}, not for {wanted}")]
    Names { found: String, wanted: String },
    #[error("it is for another key")]
    Key,
    #[error("it is no longer valid since {0}")]
    Expired(OffsetDateTime),
    #[error("it is not valid before {0}")]
    NotYet(OffsetDateTime),
    #[error("its chain is out of order: a certificate is not followed by its issuer's")]
    Chain,
}

/// Checks a chain (RFC 8555 §9.1: leaf first, "each following certificate SHOULD directly certify the one preceding
/// it") against the request. CloudFront would refuse a wrong one later, or serve it wrongly.
///
/// # Errors
/// When the chain doesn't match the request.
pub(crate) fn check(
    chain_pem: &str,
    domains: &[String],
    key: &SecretBox<Vec<u8>>,
    now: OffsetDateTime,
) -> Result<Validity, Flaw> {
    // Text between the blocks is allowed; characters that PostgreSQL or IAM refuse are not.
    if chain_pem
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err(Flaw::Unreadable("control characters".to_string()));
    }
    let ders = CertificateDer::pem_slice_iter(chain_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Flaw::Unreadable(error.to_string()))?;
    let chain = ders
        .iter()
        .map(|der| match X509Certificate::from_der(der) {
            Ok(([], certificate)) => Ok(certificate),
            Ok(_) => Err(Flaw::Unreadable("bytes behind a certificate".to_string())),
            Err(error) => Err(Flaw::Unreadable(error.to_string())),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let leaf = chain
        .first()
        .ok_or_else(|| Flaw::Unreadable("no certificate".to_string()))?;
    let ours = key_pair(key).map_err(|error| Flaw::Unreadable(error.to_string()))?;
    if leaf.public_key().raw != ours.subject_public_key_info() {
        return Err(Flaw::Key);
    }
    let found = names(leaf)?;
    let wanted: BTreeSet<String> = domains.iter().map(|name| name.to_ascii_lowercase()).collect();
    if found != wanted {
        // A certificate's names can be arbitrary bytes, and any number of them.
        let list = |names: BTreeSet<String>| clean(&names.into_iter().collect::<Vec<_>>().join(", "));
        return Err(Flaw::Names {
            found: list(found),
            wanted: list(wanted),
        });
    }
    let validity = Validity {
        not_before: leaf.validity().not_before.to_datetime(),
        not_after: leaf.validity().not_after.to_datetime(),
    };
    if validity.not_after <= now {
        return Err(Flaw::Expired(validity.not_after));
    }
    if validity.not_before > now + CLOCK_SKEW {
        return Err(Flaw::NotYet(validity.not_before));
    }
    let ordered = chain
        .windows(2)
        .all(|pair| matches!(pair, [lower, upper] if lower.issuer().as_raw() == upper.subject().as_raw()));
    if !ordered {
        return Err(Flaw::Chain);
    }
    Ok(validity)
}

/// The DNS names of the subject alternative name extension (RFC 5280 §4.2.1.6).
fn names(leaf: &X509Certificate<'_>) -> Result<BTreeSet<String>, Flaw> {
    let extension = leaf
        .subject_alternative_name()
        .map_err(|error| Flaw::Unreadable(error.to_string()))?;
    Ok(extension
        .into_iter()
        .flat_map(|extension| &extension.value.general_names)
        .map(|name| match name {
            GeneralName::DNSName(name) => name.to_ascii_lowercase(),
            other => other.to_string(),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, DnType, IsCa, Issuer};
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-06-01 12:00 UTC);

    struct Made {
        leaf: String,
        ca: String,
        key: SecretBox<Vec<u8>>,
    }

    fn made(names: &[&str], from: OffsetDateTime, until: OffsetDateTime, key_type: KeyType) -> Made {
        let ca_key = KeyPair::generate().unwrap();
        let mut ca_params = CertificateParams::default();
        ca_params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca_params.distinguished_name.push(DnType::CommonName, "Test CA");
        let ca = ca_params.self_signed(&ca_key).unwrap();
        let key = new_key(key_type).unwrap();
        let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        params.distinguished_name = DistinguishedName::new();
        (params.not_before, params.not_after) = (from, until);
        let leaf = params
            .signed_by(&key_pair(&key).unwrap(), &Issuer::new(ca_params, ca_key))
            .unwrap();
        Made {
            leaf: leaf.pem(),
            ca: ca.pem(),
            key,
        }
    }

    fn good(names: &[&str]) -> Made {
        made(
            names,
            datetime!(2026-05-01 00:00 UTC),
            datetime!(2026-08-01 00:00 UTC),
            KeyType::EcdsaP256,
        )
    }

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_was_asked_for_is_accepted() {
        for key_type in [KeyType::EcdsaP256, KeyType::Rsa2048] {
            let (from, until) = (datetime!(2026-05-01 00:00 UTC), datetime!(2026-08-01 00:00 UTC));
            let made = made(&["b.example", "*.a.example"], from, until, key_type);
            let chain = format!("{}\n{}", made.leaf, made.ca);
            let validity = check(&chain, &strings(&["*.a.example", "B.example"]), &made.key, NOW).unwrap();
            assert_eq!(
                validity,
                Validity {
                    not_before: from,
                    not_after: until
                }
            );
        }
    }

    #[test]
    fn names_must_be_those_no_more_and_no_fewer() {
        let made = good(&["a.example", "b.example"]);
        for wanted in [
            &["a.example"][..],
            &["a.example", "b.example", "c.example"],
            &["a.example", "x.example"],
        ] {
            assert!(matches!(
                check(&made.leaf, &strings(wanted), &made.key, NOW),
                Err(Flaw::Names { .. })
            ));
        }
    }

    #[test]
    fn another_key_is_told() {
        let made = good(&["a.example"]);
        for key_type in [KeyType::EcdsaP256, KeyType::Rsa2048] {
            let other = new_key(key_type).unwrap();
            assert_eq!(check(&made.leaf, &strings(&["a.example"]), &other, NOW), Err(Flaw::Key));
        }
    }

    #[test]
    fn dates_are_checked() {
        let names = strings(&["a.example"]);
        let made = good(&["a.example"]);
        let at = |now| check(&made.leaf, &names, &made.key, now);
        assert!(matches!(at(datetime!(2026-08-01 00:00 UTC)), Err(Flaw::Expired(_))));
        assert!(matches!(at(datetime!(2026-04-30 23:00 UTC)), Err(Flaw::NotYet(_))));
        assert!(at(datetime!(2026-04-30 23:58 UTC)).is_ok(), "clocks differ a little");
    }

    #[test]
    fn a_chain_out_of_order_or_in_pieces_is_refused() {
        let (made, stranger) = (good(&["a.example"]), good(&["z.example"]));
        let names = strings(&["a.example"]);
        let twice = format!("{}{}", made.leaf, stranger.leaf);
        assert_eq!(check(&twice, &names, &made.key, NOW), Err(Flaw::Chain));
        let upside_down = format!("{}{}", made.ca, made.leaf);
        assert_eq!(check(&upside_down, &names, &made.key, NOW), Err(Flaw::Key));
        for broken in [
            "",
            "no PEM",
            &made.leaf[..made.leaf.len() / 2],
            &format!("\0{}", made.leaf),
        ] {
            assert!(matches!(
                check(broken, &names, &made.key, NOW),
                Err(Flaw::Unreadable(_))
            ));
        }
    }

    #[test]
    fn a_request_names_every_domain() {
        use x509_parser::certification_request::X509CertificationRequest;
        use x509_parser::extensions::ParsedExtension;
        let key = new_key(KeyType::EcdsaP256).unwrap();
        let der = signing_request(&strings(&["a.example", "*.b.example"]), &key).unwrap();
        let (_, request) = X509CertificationRequest::from_der(&der).unwrap();
        assert_eq!(request.certification_request_info.subject.iter().count(), 0);
        let names = request
            .requested_extensions()
            .unwrap()
            .find_map(|extension| match extension {
                ParsedExtension::SubjectAlternativeName(names) => Some(names.general_names.len()),
                _ => None,
            });
        assert_eq!(names, Some(2));
    }
}
