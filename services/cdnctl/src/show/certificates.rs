//! The certificates of an instance. Pure.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use store::operator::{CertificateOf, Dossier};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::{shown, table};

pub(super) fn lines(dossier: &Dossier) -> Vec<String> {
    if dossier.certificates.is_empty() {
        return vec!["no certificate yet".to_owned()];
    }
    let rows: Vec<_> = dossier.certificates.iter().map(|one| row(one, dossier)).collect();
    let heading = [
        "CERTIFICATE",
        "SERIAL",
        "IAM",
        "NAMES",
        "NOT AFTER",
        "LEFT",
        "RENEW AT",
        "ATTACHED",
        "RETIRED",
    ];
    table::lines(heading, &rows)
}

fn row(certificate: &CertificateOf, dossier: &Dossier) -> [String; 9] {
    [
        certificate.id.to_string(),
        serial(&certificate.chain_pem).unwrap_or_else(shown::none),
        certificate.iam_name.as_deref().map_or_else(shown::none, shown::clean),
        shown::names(&certificate.names),
        shown::moment(certificate.not_after),
        shown::span(certificate.not_after - dossier.read_at),
        shown::moment_or_none(certificate.renew_at),
        shown::moment_or_none(certificate.attached_at),
        shown::moment_or_none(certificate.retired_at),
    ]
}

/// The leaf's serial number, as `openssl x509` shows it.
pub(super) fn serial(chain_pem: &str) -> Option<String> {
    let leaf = CertificateDer::from_pem_slice(chain_pem.as_bytes()).ok()?;
    let (_, certificate) = X509Certificate::from_der(&leaf).ok()?;
    Some(certificate.raw_serial_as_string())
}
