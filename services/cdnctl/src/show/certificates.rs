//! The certificates of an instance. Pure.

use certificate_store::Reference;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;
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
        "STORED AS",
        "NAMES",
        "NOT AFTER",
        "LEFT",
        "RENEW AT",
        "ATTACHED",
        "RETIRED",
        "REVOKED",
    ];
    let mut lines = table::lines(heading, &rows);
    lines.extend(dossier.certificates.iter().filter_map(|one| {
        let problem = one.revoke_problem.as_ref()?;
        Some(format!("  {} is not revoked yet: {}", one.id, shown::clean(problem)))
    }));
    lines
}

fn row(certificate: &CertificateOf, dossier: &Dossier) -> [String; 10] {
    [
        certificate.id.to_string(),
        serial(&certificate.chain_pem).unwrap_or_else(shown::none),
        certificate.reference.as_ref().map_or_else(shown::none, place),
        shown::names(&certificate.names),
        shown::moment(certificate.not_after),
        shown::span(certificate.not_after - dossier.read_at),
        shown::moment_or_none(certificate.renew_at),
        shown::moment_or_none(certificate.attached_at),
        shown::moment_or_none(certificate.retired_at),
        match (certificate.revoked_at, certificate.revoke_before) {
            (Some(at), _) => shown::moment(at),
            (None, Some(_)) if certificate.not_after > dossier.read_at => "to be".to_owned(),
            _ => shown::none(),
        },
    ]
}

/// The name in its store.
fn place(reference: &Value) -> String {
    match Reference::read(reference) {
        Ok(reference) => shown::clean(&reference.name),
        Err(unknown) => shown::clean(&unknown.to_string()),
    }
}

/// The leaf's serial number, as `openssl x509` shows it.
pub(super) fn serial(chain_pem: &str) -> Option<String> {
    let leaf = CertificateDer::from_pem_slice(chain_pem.as_bytes()).ok()?;
    let (_, certificate) = X509Certificate::from_der(&leaf).ok()?;
    Some(certificate.raw_serial_as_string())
}
