//! A server certificate of this account.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use rustls::sign::CertifiedKey;
use time::OffsetDateTime;

use crate::{ids, names};

/// An uploaded certificate with its key.
#[derive(Debug)]
pub struct Certificate {
    /// `ASCA…`
    pub id: String,
    /// Unique in the account.
    pub name: String,
    /// Begins and ends with `/`.
    pub path: String,
    /// The leaf as uploaded, PEM.
    pub body: String,
    /// The chain as uploaded, PEM.
    pub chain: Option<String>,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
    /// DNS names that it covers.
    pub names: Vec<String>,
    /// SHA-256 of the leaf, hexadecimal.
    pub fingerprint: String,
    /// End of its validity.
    pub not_after: OffsetDateTime,
    /// Start of its validity.
    pub not_before: OffsetDateTime,
    /// When it was uploaded, for people.
    pub upload_date: OffsetDateTime,
    /// When it was uploaded, for the clock.
    pub uploaded: Instant,
    /// Whether CloudFront supports keys of this kind.
    pub key_fits_cloudfront: bool,
    /// The chain and key in the form that the edge serves.
    pub keyed: Arc<CertifiedKey>,
}

impl Certificate {
    /// Whether one of its names covers an alias.
    pub fn covers(&self, alias: &str) -> bool {
        self.names.iter().any(|name| names::covers(name, alias))
    }

    /// Whether it is currently valid.
    pub fn valid_now(&self) -> bool {
        let now = OffsetDateTime::now_utc();
        self.not_before <= now && now <= self.not_after
    }

    /// `arn:aws:iam::…`
    pub fn arn(&self) -> String {
        format!(
            "arn:aws:iam::{}:server-certificate{}{}",
            ids::ACCOUNT,
            self.path,
            self.name
        )
    }
}
