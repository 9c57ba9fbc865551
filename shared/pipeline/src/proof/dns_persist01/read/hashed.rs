//! Draft -02 (20 September 2026): a record names a URI under the CA's prefix with a digest of the domain, the account's
//! key and its URL. The URI differs for each domain and changes with the account's key; a CA keeps accepting URIs
//! computed with earlier keys (§4.2, "Witnessed key retention"), and those computed for any domain (`*`).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Uri;
use serde_json::Value;

use super::{clean, names};
use crate::domain::without_wildcard;
use crate::issue_value::is_normalized;
use crate::proof::Offered;
use crate::proof::dns_persist01::{AccountUris, DnsPersist01, Form};

/// The CA's names, in the challenge and in the directory's metadata.
pub(super) const NAMES: &str = "issuerDomainNames";
/// The prefix of the URIs, in the directory's metadata.
pub(super) const PREFIX: &str = "accountHashPrefix";
/// The Hash Name String (RFC 6920 §9.4) that every CA must support.
const ALGORITHM: &str = "sha-256";
/// Stands for any domain in the digest.
const ANY_DOMAIN: &str = "*";

/// Reads a challenge of this draft.
pub(super) fn read(challenge: &Value, offered: &Offered<'_>) -> Result<DnsPersist01, String> {
    let Offered {
        meta, domain, account, ..
    } = *offered;
    let issuer_domains = names(challenge, NAMES)?;
    consistent(&issuer_domains, meta)?;
    let prefix = prefix(meta)?;
    let uri = |domain: &str, thumbprint: &str| {
        let octets = octets(domain, thumbprint, account.url)?;
        let hash = URL_SAFE_NO_PAD.encode(digest(&SHA256, &octets));
        Some(format!("{prefix}{ALGORITHM}/{hash}"))
    };
    let thumbprints = || {
        let earlier = account.earlier_thumbprints.iter().map(String::as_str);
        std::iter::once(account.thumbprint).chain(earlier)
    };
    let uris: Option<Vec<String>> = [without_wildcard(domain), ANY_DOMAIN]
        .into_iter()
        .flat_map(|domain| thumbprints().map(move |thumbprint| (domain, thumbprint)))
        .map(|(domain, thumbprint)| uri(domain, thumbprint))
        .collect();
    Ok(DnsPersist01 {
        form: Form::Hashed,
        issuer_domains,
        account_uris: uris.and_then(AccountUris::new).ok_or("the domain is too long")?,
    })
}

/// §4.1: "H(length_of_domain || domain_name || key || account_URL)". `None` for a name that no domain can have.
fn octets(domain: &str, thumbprint: &str, account_url: &str) -> Option<Vec<u8>> {
    let length = u8::try_from(domain.len()).ok()?;
    let parts = [
        &[length],
        domain.as_bytes(),
        thumbprint.as_bytes(),
        account_url.as_bytes(),
    ];
    Some(parts.concat())
}

fn prefix(meta: &Value) -> Result<&str, String> {
    let prefix = meta.get(PREFIX).and_then(Value::as_str).unwrap_or_default();
    match prefix.parse::<Uri>() {
        Ok(uri) if uri.scheme_str() == Some("https") && uri.host().is_some() => Ok(prefix),
        _ => Err(format!(
            "accountHashPrefix is {}, not an https:// address",
            clean(&meta[PREFIX].to_string())
        )),
    }
}

/// §3.2: every name in the directory must be in the challenge, and every name in the challenge in `caaIdentities`; else
/// "the client MUST consider a challenge malformed". A list that is missing or breaks the rules is ignored.
fn consistent(issuer_domains: &[String], meta: &Value) -> Result<(), String> {
    let missing = |name: &&String| !issuer_domains.contains(*name);
    if let Some(name) = names(meta, NAMES).unwrap_or_default().iter().find(missing) {
        return Err(format!(
            "the directory has the issuer domain {name}, the challenge doesn't"
        ));
    }
    match identities(meta) {
        Some(known) => match issuer_domains.iter().find(|name| !known.contains(*name)) {
            Some(name) => Err(format!(
                "the challenge has the issuer domain {name}, caaIdentities doesn't"
            )),
            None => Ok(()),
        },
        None => Ok(()),
    }
}

fn identities(meta: &Value) -> Option<Vec<String>> {
    let identities = meta.get("caaIdentities")?.as_array()?;
    let one = |name: &Value| {
        let name = name.as_str()?.to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        is_normalized(name).then(|| name.to_owned())
    };
    identities
        .iter()
        .map(one)
        .collect::<Option<Vec<_>>>()
        .filter(|known| !known.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::ACCOUNT;
    use super::*;
    use crate::proof::Account;
    use crate::proof::dns_persist01::record_value;

    fn of(challenge: &Value, meta: &Value, domain: &str, account: Account<'_>) -> Result<DnsPersist01, String> {
        let offered = Offered {
            authorization: &Value::Null,
            meta,
            domain,
            account,
            delegation: None,
        };
        read(challenge, &offered)
    }

    fn meta() -> Value {
        json!({
            "accountHashPrefix": "https://ca.example/account-hash/",
            "issuerDomainNames": ["authority.example", "ca.example.net"],
        })
    }

    /// draft-ietf-acme-dns-persist-02, Figure 1.
    fn challenge() -> Value {
        json!({
            "type": "dns-persist-01",
            "url": "https://ca.example/acme/authz/1234/0",
            "status": "pending",
            "issuerDomainNames": ["authority.example", "ca.example.net"],
        })
    }

    /// draft-ietf-acme-dns-persist-02 §10.2, "serves as a test vector"; the blank that RFC 8659 makes optional is left
    /// out.
    #[test]
    fn the_drafts_own_vectors() {
        let standing = of(&challenge(), &meta(), "example.com", ACCOUNT).unwrap();
        let prefix = "https://ca.example/account-hash/sha-256/";
        assert_eq!(
            standing.account_uris.iter().collect::<Vec<_>>(),
            [
                format!("{prefix}5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"),
                format!("{prefix}NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug"),
            ]
        );
        assert_eq!(
            record_value(&standing.issuer_domains, &standing.account_uris, false),
            "authority.example;accounturi=https://ca.example/account-hash/sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"
        );
        let wildcard = of(&challenge(), &meta(), "*.example.com", ACCOUNT).unwrap();
        assert_eq!(
            wildcard, standing,
            "a wildcard's record is at the name it is a wildcard of"
        );
    }

    #[test]
    fn what_was_made_with_earlier_keys_still_counts_and_what_is_to_be_set_is_made_with_the_newest() {
        let before = of(&challenge(), &meta(), "example.com", ACCOUNT).unwrap();
        let earlier = [ACCOUNT.thumbprint.to_owned()];
        let rolled = Account {
            thumbprint: "2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw5SQm7n6tPh",
            earlier_thumbprints: &earlier,
            ..ACCOUNT
        };
        let after = of(&challenge(), &meta(), "example.com", rolled).unwrap();
        assert_ne!(after.account_uris.to_set(), before.account_uris.to_set());
        assert!(before.account_uris.iter().all(|uri| after.account_uris.contains(uri)));
        let other = of(&challenge(), &meta(), "example.org", ACCOUNT).unwrap();
        assert_ne!(
            other.account_uris.to_set(),
            before.account_uris.to_set(),
            "another one for each domain"
        );
        assert_eq!(
            other.account_uris.iter().nth(1),
            before.account_uris.iter().nth(1),
            "one that is for any"
        );
    }

    #[test]
    fn a_directory_that_contradicts_the_challenge_is_not_believed() {
        let table = [
            (
                json!({ "issuerDomainNames": ["other.example"] }),
                Err("the challenge doesn't"),
            ),
            (json!({ "issuerDomainNames": ["authority.example"] }), Ok(())),
            // Ignored in the comparison.
            (json!({ "issuerDomainNames": ["Other.example"] }), Ok(())),
            (
                json!({ "caaIdentities": ["authority.example"] }),
                Err("caaIdentities doesn't"),
            ),
            (
                json!({ "caaIdentities": ["Authority.example.", "ca.example.net", "x.example"] }),
                Ok(()),
            ),
            (json!({ "caaIdentities": [] }), Ok(())),
        ];
        for (mut meta, expected) in table {
            meta[PREFIX] = json!("https://ca.example/account-hash/");
            let read = of(&challenge(), &meta, "example.com", ACCOUNT).map(|_| ());
            match expected {
                Ok(()) => assert_eq!(read, Ok(()), "{meta}"),
                Err(why) => assert!(read.unwrap_err().contains(why), "{meta}"),
            }
        }
    }

    #[test]
    fn a_prefix_that_makes_no_uri_is_refused() {
        for prefix in [
            json!(""),
            json!(7),
            json!("http://ca.example/"),
            json!("https://ca.example/a b/"),
            json!("account-hash/"),
        ] {
            let meta = json!({ "accountHashPrefix": prefix });
            assert!(of(&challenge(), &meta, "example.com", ACCOUNT).is_err(), "{meta}");
        }
    }
}
