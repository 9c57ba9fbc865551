//! Everything that the account ever contained, including deleted resources, so that a test can count what was created
//! twice or left behind.

use serde::Serialize;
use time::OffsetDateTime;

use crate::cloudfront::views::timestamp;

/// A distribution that was created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MadeDistribution {
    /// `E…`
    pub id: String,
    /// Chosen by the creator, and never reusable.
    pub caller_reference: String,
    /// When it was created.
    pub created: String,
    /// When it was deleted.
    pub deleted: Option<String>,
}

/// A server certificate that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MadeCertificate {
    /// `ASCA…`
    pub id: String,
    /// Its name when it was uploaded.
    pub name: String,
    /// SHA-256 of the leaf, hexadecimal: the same for two uploads of one certificate.
    pub fingerprint: String,
    /// DNS names that it covers.
    pub names: Vec<String>,
    /// When it was uploaded.
    pub created: String,
    /// When it was deleted.
    pub deleted: Option<String>,
}

/// All resources, in the order of creation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct History {
    /// Distributions.
    pub distributions: Vec<MadeDistribution>,
    /// Server certificates.
    pub certificates: Vec<MadeCertificate>,
}

impl History {
    /// A distribution was created.
    pub fn distribution_made(&mut self, id: &str, caller_reference: &str) {
        self.distributions.push(MadeDistribution {
            id: id.to_owned(),
            caller_reference: caller_reference.to_owned(),
            created: now(),
            deleted: None,
        });
    }

    /// It was deleted.
    pub fn distribution_deleted(&mut self, id: &str) {
        for made in self.distributions.iter_mut().filter(|made| made.id == id) {
            made.deleted = Some(now());
        }
    }

    /// A certificate was uploaded.
    pub fn certificate_made(&mut self, certificate: &crate::iam::certificate::Certificate) {
        self.certificates.push(MadeCertificate {
            id: certificate.id.clone(),
            name: certificate.name.clone(),
            fingerprint: certificate.fingerprint.clone(),
            names: certificate.names.clone(),
            created: now(),
            deleted: None,
        });
    }

    /// It was deleted.
    pub fn certificate_deleted(&mut self, id: &str) {
        for made in self.certificates.iter_mut().filter(|made| made.id == id) {
            made.deleted = Some(now());
        }
    }
}

fn now() -> String {
    timestamp(OffsetDateTime::now_utc())
}
