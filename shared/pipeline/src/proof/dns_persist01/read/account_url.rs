//! Drafts -00 and -01, which Let's Encrypt's staging and Pebble 2.10 follow: a record names the account's URL. It is
//! the same for all of a tenant's domains, and survives every change of the account's key.

use serde_json::Value;

use super::{clean, names};
use crate::proof::Account;
use crate::proof::dns_persist01::{DnsPersist01, Form};

/// The CA's names, in the challenge.
pub(super) const NAMES: &str = "issuer-domain-names";

/// Reads a challenge of these drafts.
///
/// Draft -01 has the record's `accounturi` in the challenge. It may be the URI of a subscriber with several accounts at
/// the CA (mode 3c); a record with that URI would prove a domain for every tenant, so it isn't used.
pub(super) fn read(challenge: &Value, account: Account<'_>) -> Result<DnsPersist01, String> {
    let issuer_domains = names(challenge, NAMES)?;
    match challenge.get("accounturi") {
        Some(uri) if uri.as_str() != Some(account.url) => Err(format!(
            "the challenge wants the accounturi {}, which is not the account's URL",
            clean(&uri.to_string())
        )),
        _ => Ok(DnsPersist01 {
            form: Form::AccountUrl,
            issuer_domains,
            account_uris: account.url.into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::ACCOUNT;
    use super::*;
    use crate::proof::dns_persist01::record_value;

    /// draft-ietf-acme-dns-persist-01, Figure 1 and §10.1, without the blank that RFC 8659 makes optional.
    #[test]
    fn the_drafts_own_challenge_gets_the_drafts_own_record() {
        let challenge = json!({
            "type": "dns-persist-01",
            "url": "https://ca.example/acme/authz/1234/0",
            "status": "pending",
            "accounturi": "https://ca.example/acct/123",
            "issuer-domain-names": ["authority.example", "ca.example.net"],
        });
        let challenge = read(&challenge, ACCOUNT).unwrap();
        assert_eq!(challenge.issuer_domains, ["authority.example", "ca.example.net"]);
        assert_eq!(
            record_value(&challenge.issuer_domains, &challenge.account_uris, false),
            "authority.example;accounturi=https://ca.example/acct/123"
        );
    }

    #[test]
    fn a_subscribers_uri_is_not_taken_for_the_accounts() {
        for uri in [json!("https://ca.example/subscriber/1"), json!(7), Value::Null] {
            let challenge = json!({ "issuer-domain-names": ["ca.example"], "accounturi": uri });
            let why = read(&challenge, ACCOUNT).unwrap_err();
            assert!(why.contains("not the account's URL"), "{why}");
        }
    }
}
