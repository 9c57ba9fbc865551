//! dns-01 (RFC 8555 §8.4): a TXT record with a value for this order.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{ChallengeType, Judged, LookFor, Method, Offered, Place, Tenancy, ToSet};
use crate::domain::without_wildcard;
use crate::reason::{Says, WrongTxt};
use crate::shown;

/// The maximum number of TXT values at one name that the user is shown.
const MOST_VALUES: usize = 3;

/// The data of a dns-01 challenge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dns01 {
    /// "The base64url encoding of the SHA-256 digest of the key authorization".
    pub value: String,
}

impl ChallengeType for Dns01 {
    const ACME_TYPE: &'static str = "dns-01";
    const MADE_WITH_THE_KEY: bool = true;
    const OUTLASTS_ITS_ORDER: bool = false;
    const KEPT: bool = false;
    const NAMES_THE_ACCOUNT: bool = false;
    const NAMES_THE_TENANT: bool = false;

    fn heading(_wildcards: bool) -> &'static str {
        "for this certificate only:"
    }

    fn read(offered: &Offered<'_>) -> Option<Result<Self, String>> {
        // Both would need the same name, where a CNAME excludes a TXT record (RFC 1034 §3.6.2).
        match offered.delegation {
            Some(_) => None,
            None => Self::of(offered, Method::Dns01).map(Ok),
        }
    }

    fn relies_on_the_accounts_url(&self) -> bool {
        false
    }

    fn place(&self, domain: &str) -> Place {
        Place::Txt(Self::name(domain))
    }

    fn to_set(&self, domain: &str, _tenancy: &Tenancy<'_>) -> ToSet {
        ToSet::Txt {
            name: self.place(domain).into_name(),
            value: self.value.clone(),
        }
    }

    fn look_for(&self, _domain: &str) -> LookFor<'_> {
        LookFor::Txt(Box::new(|texts, _now| Self::judge(&self.value, texts)))
    }
}

impl Dns01 {
    /// The name that the CA queries.
    pub fn name(domain: &str) -> String {
        format!("_acme-challenge.{}", without_wildcard(domain))
    }

    /// The CA's challenge for this way.
    pub(super) fn of(offered: &Offered<'_>, method: Method) -> Option<Self> {
        let (_, key_authorization) = offered.key_authorization(method)?;
        Some(Self {
            value: URL_SAFE_NO_PAD.encode(digest(&SHA256, key_authorization.as_bytes())),
        })
    }

    pub(super) fn judge(value: &str, texts: &[Vec<u8>]) -> Judged {
        if texts.iter().any(|text| text == value.as_bytes()) {
            return Judged::Good(Says::AsExpected);
        }
        Judged::Wrong(WrongTxt::Value {
            found: texts.iter().take(MOST_VALUES).map(|text| shown::plain(text)).collect(),
            more: texts.len().saturating_sub(MOST_VALUES),
            expected: value.to_owned(),
        })
    }
}
