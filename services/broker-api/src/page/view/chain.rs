//! What a certificate says of itself: its issuer, its key, and the chain above it.

use pipeline::shown::harmless;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::x509::X509Name;

/// The most characters of a name that a CA chose.
const LONGEST: usize = 100;
/// The most certificates of a chain that are read.
const MOST: usize = 8;

/// A leaf certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    /// Who issued it.
    pub(super) issuer: String,
    /// Type and length of its key.
    pub(super) key: String,
    /// Its serial number.
    pub(super) serial: String,
    /// Who signed the certificates above it; empty when it stands alone.
    pub(super) chain: String,
}

impl Leaf {
    /// The first certificate of a chain in PEM; none when it can't be read.
    pub(super) fn read(chain_pem: &str) -> Option<Self> {
        let chain: Vec<CertificateDer<'_>> = CertificateDer::pem_slice_iter(chain_pem.as_bytes())
            .take(MOST)
            .collect::<Result<_, _>>()
            .ok()?;
        let (leaf, above) = chain.split_first()?;
        let (_, leaf) = X509Certificate::from_der(leaf).ok()?;
        let issuers: Vec<String> = above.iter().filter_map(issuer_of).collect();
        Some(Self {
            issuer: called(leaf.issuer()),
            key: key(&leaf),
            serial: leaf.raw_serial_as_string(),
            chain: issuers.join(", signed by "),
        })
    }
}

fn issuer_of(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Some(called(certificate.issuer()))
}

/// The organization and the common name, as far as there are any.
fn called(name: &X509Name<'_>) -> String {
    let organization = name.iter_organization().filter_map(|part| part.as_str().ok());
    let common = name.iter_common_name().filter_map(|part| part.as_str().ok());
    let parts: Vec<&str> = organization.chain(common).collect();
    match parts.is_empty() {
        true => "not named".to_owned(),
        false => harmless(&parts.join(", "), LONGEST),
    }
}

fn key(certificate: &X509Certificate<'_>) -> String {
    match certificate.public_key().parsed() {
        Ok(PublicKey::EC(point)) => format!("ECDSA, {} bits", point.key_size()),
        Ok(PublicKey::RSA(key)) => format!("RSA, {} bits", key.key_size()),
        _ => "of another type".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

    use super::*;

    #[test]
    fn issuer_key_and_chain_are_read() {
        let ca = |name: &str| {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            params
                .distinguished_name
                .push(DnType::OrganizationName, "An Organization");
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params
        };
        let (root_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let root = Issuer::new(ca("Root X1"), root_key);
        let middle = ca("Middle").signed_by(&key, &root).unwrap().pem();
        let leaf = CertificateParams::new(vec!["a.example".into()])
            .unwrap()
            .signed_by(&KeyPair::generate().unwrap(), &Issuer::new(ca("Middle"), key))
            .unwrap()
            .pem();
        let read = Leaf::read(&format!("{leaf}{middle}")).unwrap();
        assert_eq!(read.issuer, "An Organization, Middle");
        assert_eq!(read.key, "ECDSA, 256 bits");
        assert_eq!(read.chain, "An Organization, Root X1");
        assert!(!read.serial.is_empty());
        assert_eq!(Leaf::read(&leaf).unwrap().chain, "");
        for nothing in [
            "",
            "nonsense",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            assert_eq!(Leaf::read(nothing), None, "{nothing:?}");
        }
    }
}
