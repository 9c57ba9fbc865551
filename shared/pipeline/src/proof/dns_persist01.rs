//! dns-persist-01 (draft-ietf-acme-dns-persist): a TXT record that is set once and names the account that may get
//! certificates.

use serde::{Deserialize, Serialize};

use super::{ChallengeType, Judged, LookFor, Offered, Place, Tenancy, ToSet};
use crate::domain::{wildcard_of, without_wildcard};
use crate::reason::{Says, WrongTxt};

mod account_uris;
mod judge;
mod read;
mod record;

pub use account_uris::AccountUris;
use judge::record_value;
pub use judge::{Mismatch, PersistExpected, Risk, judge};
pub use read::announced;
pub use record::{Malformed, Record, Syntax};

/// The data of a dns-persist-01 challenge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsPersist01 {
    /// What the record's `accounturi` is made of.
    pub form: Form,
    /// The CA's names; any one of them in the record suffices.
    pub issuer_domains: Vec<String>,
    /// The accepted values of the record's `accounturi`.
    pub account_uris: AccountUris,
}

/// What a record's `accounturi` is made of: the draft's versions differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// The account's URL, which survives every change of its key (drafts -00 and -01).
    AccountUrl,
    /// A digest of the domain, the account's key and its URL (draft -02).
    Hashed,
}

impl ChallengeType for DnsPersist01 {
    const ACME_TYPE: &'static str = "dns-persist-01";
    /// A CA whose `accounturi` contains the key keeps accepting values made with earlier keys (draft -02 §4.2).
    const MADE_WITH_THE_KEY: bool = false;
    const OUTLASTS_ITS_ORDER: bool = true;
    const KEPT: bool = true;
    const NAMES_THE_ACCOUNT: bool = true;
    const NAMES_THE_TENANT: bool = false;

    fn heading(_wildcards: bool) -> &'static str {
        "set once, good for every later certificate:"
    }

    fn read(offered: &Offered<'_>) -> Option<Result<Self, String>> {
        read::read(offered)
    }

    /// Before somebody else sets a record, the account's holder has to check that its URL is right (draft -02 §4.5).
    fn relies_on_the_accounts_url(&self) -> bool {
        match self.form {
            Form::AccountUrl => false,
            Form::Hashed => true,
        }
    }

    fn place(&self, domain: &str) -> Place {
        Place::Txt(format!("_validation-persist.{}", without_wildcard(domain)))
    }

    fn to_set(&self, domain: &str, tenancy: &Tenancy<'_>) -> ToSet {
        let wildcard = needs_wildcard_policy(domain, tenancy.domains);
        ToSet::Txt {
            name: self.place(domain).into_name(),
            value: record_value(&self.issuer_domains, &self.account_uris, wildcard),
        }
    }

    fn look_for(&self, domain: &str) -> LookFor<'_> {
        let expected = self.expected(wildcard_of(domain).is_some());
        LookFor::Txt(Box::new(move |texts, now| match judge(texts, &expected, now) {
            Some(Ok(())) => Judged::Good(Says::Trusts(expected.account_uri.to_string())),
            Some(Err(mismatch)) => Judged::Wrong(WrongTxt::Persist {
                mismatch,
                expected: expected.clone(),
            }),
            None => Judged::Unrelated,
        }))
    }
}

impl DnsPersist01 {
    fn expected(&self, wildcard: bool) -> PersistExpected {
        PersistExpected {
            issuer_domains: self.issuer_domains.clone(),
            account_uri: self.account_uris.clone(),
            wildcard,
        }
    }
}

/// Whether the standing record at a domain's name must allow wildcards: for the domain itself, or for a wildcard next
/// to it in `domains`, since one record serves both.
fn needs_wildcard_policy(domain: &str, domains: &[&str]) -> bool {
    wildcard_of(domain).is_some() || domains.iter().any(|other| wildcard_of(other) == Some(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_lets_wildcards_pass_where_one_is_among_the_domains() {
        assert!(needs_wildcard_policy("*.example.com", &[]));
        assert!(needs_wildcard_policy("example.com", &["*.example.com"]));
        assert!(!needs_wildcard_policy(
            "www.example.com",
            &["*.example.com", "www.example.com"]
        ));
    }

    #[test]
    fn what_a_user_copies_has_no_blank() {
        let challenge = DnsPersist01 {
            form: Form::AccountUrl,
            issuer_domains: vec!["ca.example".to_owned()],
            account_uris: "https://ca.example/acct/1".into(),
        };
        let tenancy = Tenancy {
            tenant: "org-1",
            domains: &["*.example.com"],
        };
        let expected = ToSet::Txt {
            name: "_validation-persist.example.com".to_owned(),
            value: "ca.example;accounturi=https://ca.example/acct/1;policy=wildcard".to_owned(),
        };
        assert_eq!(challenge.to_set("*.example.com", &tenancy), expected);
    }
}
