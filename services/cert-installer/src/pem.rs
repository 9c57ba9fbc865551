//! PEM in the form that IAM requires: the leaf alone, the rest without the root, the key without a pass phrase.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret as _, SecretBox, SecretString};

/// A certificate in the form that IAM accepts (docs/aws-rules.md, "IAM server certificates").
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Split {
    /// The leaf: `CertificateBody`.
    pub(crate) body: String,
    /// The intermediates: `CertificateChain`. `None` when the leaf was issued by a root.
    pub(crate) chain: Option<String>,
}

/// Why a chain can't be uploaded.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChainError {
    /// Not PEM, or PEM of something other than certificates.
    #[error("the stored chain can't be read as PEM certificates")]
    Unreadable,
    /// No certificate.
    #[error("the stored chain is empty")]
    Empty,
}

/// Splits a chain, leaf first, as an ACME CA sends it (RFC 8555 §9.1). A root, should the CA have included it, is
/// dropped: IAM's guide asks for the chain without it, and clients have their own.
pub(crate) fn split(chain_pem: &str) -> Result<Split, ChainError> {
    let mut certificates = certificates(chain_pem)?.into_iter();
    let leaf = certificates.next().ok_or(ChainError::Empty)?;
    let mut chain = String::new();
    for der in certificates {
        let (_, parsed) = x509_parser::parse_x509_certificate(&der).map_err(|_| ChainError::Unreadable)?;
        let is_root = parsed.subject().as_raw() == parsed.issuer().as_raw();
        if !is_root {
            chain.push_str(&encode("CERTIFICATE", &der));
        }
    }
    Ok(Split {
        body: encode("CERTIFICATE", &leaf),
        chain: (!chain.is_empty()).then_some(chain),
    })
}

/// Whether both leaves are the same certificate, regardless of the line breaks in their PEM.
pub(crate) fn same_leaf(one: &str, other: &str) -> bool {
    let first = |pem: &str| certificates(pem).ok()?.into_iter().next();
    matches!((first(one), first(other)), (Some(one), Some(other)) if one == other)
}

/// A PKCS #8 key as PEM. Intermediate buffers are wiped; the copy that the SDK receives is beyond our control.
pub(crate) fn private_key(der: &SecretBox<Vec<u8>>) -> SecretString {
    let base64 = SecretString::from(STANDARD.encode(der.expose_secret()));
    SecretString::from(wrap("PRIVATE KEY", base64.expose_secret()))
}

/// The certificates of a PEM text, by the rules that the issuer applies: other blocks and text between them are ignored
/// (RFC 7468 §2, RFC 8555 §9.1 "MAY").
fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, ChainError> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| ChainError::Unreadable)
}

fn encode(label: &str, der: &[u8]) -> String {
    wrap(label, &STANDARD.encode(der))
}

/// RFC 7468: lines of 64 characters.
fn wrap(label: &str, base64: &str) -> String {
    // The whole capacity at once: a buffer that is reallocated would leave copies of a key behind.
    let length = base64.len() + base64.len().div_ceil(64) + 2 * label.len() + 32;
    let mut pem = String::with_capacity(length);
    pem.push_str("-----BEGIN ");
    pem.push_str(label);
    pem.push_str("-----\n");
    let mut rest = base64;
    while let Some((line, after)) = rest.split_at_checked(64) {
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    if !rest.is_empty() {
        pem.push_str(rest);
        pem.push('\n');
    }
    pem.push_str("-----END ");
    pem.push_str(label);
    pem.push_str("-----\n");
    pem
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

    use super::*;

    fn ca(name: &str) -> CertificateParams {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    }

    #[test]
    fn leaf_intermediate_and_root_go_where_they_belong() {
        let root = CertifiedIssuer::self_signed(ca("root"), KeyPair::generate().unwrap()).unwrap();
        let middle = CertifiedIssuer::signed_by(ca("middle"), KeyPair::generate().unwrap(), &root).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["www.example.com".to_string()])
            .unwrap()
            .signed_by(&key, &middle)
            .unwrap();

        let (leaf_pem, middle_pem, root_pem) = (
            encode("CERTIFICATE", leaf.der()),
            encode("CERTIFICATE", middle.der()),
            encode("CERTIFICATE", root.der()),
        );
        assert_eq!(
            split(&format!("{leaf_pem}\n{middle_pem}{root_pem}")),
            Ok(Split {
                body: leaf_pem.clone(),
                chain: Some(middle_pem.clone())
            })
        );
        assert_eq!(split(&format!("{leaf_pem}{root_pem}")).unwrap().chain, None);
        assert!(same_leaf(&leaf_pem, &leaf.pem().replace('\n', "\r\n")));
        assert!(!same_leaf(&leaf_pem, &middle_pem));
        assert!(!same_leaf("", ""));
    }

    #[test]
    fn what_is_no_chain_is_refused() {
        assert_eq!(split(""), Err(ChainError::Empty));
        let key = KeyPair::generate().unwrap().serialize_pem();
        assert_eq!(split(&key), Err(ChainError::Empty));
        let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
        assert_eq!(split(cut), Err(ChainError::Unreadable));
    }

    proptest! {
        #[test]
        fn any_text_is_a_chain_or_is_not(text in prop_oneof![
            any::<String>(),
            "(-----(BEGIN|END) (CERTIFICATE|PRIVATE KEY|[A-Z ]{0,9})-----\n?[A-Za-z0-9+/=\n -]{0,60}){0,5}",
        ]) {
            if let Ok(split) = split(&text) {
                prop_assert_eq!(certificates(&split.body).map(|all| all.len()), Ok(1));
            }
            same_leaf(&text, &text);
        }

        /// A chain that the issuer accepts, with other blocks and text around it, is split as without them.
        #[test]
        fn noise_around_certificates_changes_nothing(noise in prop::collection::vec(prop_oneof![
            "[A-Za-z0-9 :,.]{0,40}\n",
            "-----BEGIN (X509 CRL|PRIVATE KEY|TRUSTED CERTIFICATE)-----\n([A-Za-z0-9+/]{4}){1,9}\n-----END (X509 CRL)-----\n"
                .prop_map(|block| {
                    let label = block.lines().next().unwrap_or_default().replace("BEGIN", "END");
                    block.replace("-----END X509 CRL-----", &label)
                }),
        ], 3), bytes in prop::collection::vec(any::<u8>(), 1..300)) {
            let root = ROOT.get_or_init(|| ca("root").self_signed(&KeyPair::generate().unwrap()).unwrap().pem());
            let leaf = encode("CERTIFICATE", &bytes);
            let [before, between, after] = [&noise[0], &noise[1], &noise[2]];
            let noisy = split(&format!("{before}{leaf}{between}{root}{after}"));
            prop_assert_eq!(&noisy, &split(&format!("{leaf}{root}")));
            prop_assert_eq!(noisy, Ok(Split { body: leaf, chain: None }));
        }
    }
    static ROOT: std::sync::OnceLock<String> = std::sync::OnceLock::new();

    #[test]
    fn a_key_reads_back_from_its_pem_and_its_room_was_enough() {
        let key = KeyPair::generate().unwrap();
        let der = SecretBox::new(Box::new(key.serialize_der()));
        let pem = private_key(&der);
        let again = KeyPair::from_pem(pem.expose_secret()).unwrap();
        assert_eq!(again.serialize_der(), key.serialize_der());
        for length in 0..200 {
            let base64 = "A".repeat(length);
            let pem = wrap("PRIVATE KEY", &base64);
            assert_eq!(pem.len(), pem.capacity(), "{length}");
        }
    }
}
