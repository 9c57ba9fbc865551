//! dns-persist-01 (draft-ietf-acme-dns-persist): in which form the CA wants the standing record. The draft's versions want different ones
//! under one name, so the form is read from what only one of them says, in the challenge and the directory; what fits none of them is
//! not shown to anybody, and the operator is told. One file per form.

use pipeline::issue_value::{is_normalized, is_value};
use pipeline::reason::Request;
use serde_json::Value;
use store::Standing;
use worker::Stop;

use crate::account::Session;
use crate::words::clean;

mod account_url;
mod hashed;

/// The draft lets no CA have more names in a challenge (§3.1), and wants clients to refuse one that has.
const MOST_NAMES: usize = 10;

/// The account that asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Holder<'a> {
    /// Its URL.
    pub(crate) url: &'a str,
    /// RFC 7638 thumbprint of its key.
    pub(crate) thumbprint: &'a str,
    /// Those of the keys that it had before, the newest first.
    pub(crate) earlier_thumbprints: &'a [String],
}

/// Reads what record proves a domain, or why none is known to.
///
/// `meta` is the directory's metadata (RFC 8555 §7.1.1).
pub(crate) fn read(challenge: &Value, meta: &Value, domain: &str, holder: Holder<'_>) -> Result<Standing, String> {
    let has = |object: &Value, member: &str| object.get(member).is_some();
    let (of_01, of_02) = (has(challenge, account_url::NAMES), has(challenge, hashed::NAMES));
    let standing = match (of_01, of_02, has(meta, hashed::PREFIX)) {
        (_, true, true) => hashed::read(challenge, meta, domain, holder),
        (true, false, false) => account_url::read(challenge, holder),
        (false, true, false) | (true, true, false) => {
            Err("the challenge has issuerDomainNames (draft -02), the directory no accountHashPrefix".to_owned())
        }
        (true, false, true) => Err(
            "the directory has accountHashPrefix (draft -02), the challenge issuer-domain-names (draft -01)".to_owned(),
        ),
        (false, false, _) => Err(
            "the challenge has neither issuer-domain-names (draft -01) nor issuerDomainNames (draft -02)".to_owned(),
        ),
    }?;
    match standing.account_uris.iter().all(|uri| fits(uri)) {
        true => Ok(standing),
        false => Err("the account's URI has characters that a record can't have".to_owned()),
    }
}

/// CAs have it in quotes from a library for DNS, which puts a backslash before these two.
fn fits(uri: &str) -> bool {
    is_value(uri) && !uri.contains(['"', '\\'])
}

/// The CA's names in a list that a CA may have.
fn names(object: &Value, member: &str) -> Result<Vec<String>, String> {
    let names = object.get(member).and_then(Value::as_array).map(Vec::as_slice);
    let names = names.unwrap_or_default();
    if !(1..=MOST_NAMES).contains(&names.len()) {
        return Err(format!(
            "{member} has {} names instead of 1 to {MOST_NAMES}",
            names.len()
        ));
    }
    let one = |name: &Value| match name.as_str().filter(|name| is_normalized(name)) {
        Some(name) => Ok(name.to_owned()),
        None => Err(format!(
            "{member} has {}, which is no name in lower case",
            clean(&name.to_string())
        )),
    };
    names.iter().map(one).collect()
}

/// Before a record is set by somebody else, the account's holder has to see that its URL is right (draft -02 §4.5).
///
/// # Errors
/// When the CA can't tell now.
pub(crate) async fn holds_its_account(session: &Session<'_>) -> Result<bool, Stop> {
    match session.get(&session.account_uri).await {
        Ok(answer) => Ok(answer.json().get("status").and_then(Value::as_str) == Some("valid")),
        Err(error) => Err(session.fail(&error, Request::ReadAccount).await),
    }
}

/// What a doctor can tell by the directory alone: draft -02 only announces itself there.
pub(crate) fn announced(meta: &Value) -> bool {
    meta.get(hashed::PREFIX).is_some() && names(meta, hashed::NAMES).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    pub(super) const HOLDER: Holder<'_> = Holder {
        url: "https://ca.example/acct/123",
        thumbprint: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        earlier_thumbprints: &[],
    };

    fn told(challenge: &Value, meta: &Value) -> Result<String, String> {
        read(challenge, meta, "example.com", HOLDER).map(|standing| standing.form)
    }

    #[test]
    fn the_form_is_read_and_never_guessed() {
        let of_00 = json!({ "issuer-domain-names": ["authority.example"] });
        let of_01 = json!({ "issuer-domain-names": ["authority.example"], "accounturi": HOLDER.url });
        let of_02 = json!({ "issuerDomainNames": ["authority.example"] });
        let both = json!({ "issuer-domain-names": ["a.example"], "issuerDomainNames": ["a.example"] });
        let meta = json!({ "accountHashPrefix": "https://ca.example/account-hash/", "issuerDomainNames": ["authority.example"] });
        let (old, new) = (Ok(store::ACCOUNT_URL.to_owned()), Ok(store::HASHED.to_owned()));
        assert_eq!(told(&of_00, &Value::Null), old);
        assert_eq!(told(&of_01, &json!({ "caaIdentities": ["authority.example"] })), old);
        assert_eq!(told(&of_02, &meta), new);
        let prefix = json!({ "accountHashPrefix": "https://ca.example/account-hash/" });
        assert_eq!(told(&both, &prefix), new, "a CA that serves clients of both");
        for (challenge, meta, why) in [
            (&of_02, &Value::Null, "the directory no accountHashPrefix"),
            (&both, &Value::Null, "the directory no accountHashPrefix"),
            (&of_01, &meta, "the challenge issuer-domain-names"),
            (&json!({ "type": "dns-persist-01" }), &meta, "neither"),
            (
                &json!({ "issuer_domain_names": ["a.example"] }),
                &Value::Null,
                "neither",
            ),
        ] {
            let unknown = told(challenge, meta).unwrap_err();
            assert!(unknown.contains(why), "{unknown}");
        }
    }

    #[test]
    fn a_challenge_whose_names_break_the_drafts_rules_is_refused() {
        let many: Vec<String> = (0..11).map(|n| format!("ca{n}.example")).collect();
        for names in [
            json!([]),
            json!("ca.example"),
            json!(many),
            json!(["CA.example"]),
            json!(["ca.example."]),
            json!(["ca.example", 7]),
            json!(["ca.example; accounturi=x"]),
            json!(["ünicode.example"]),
        ] {
            let challenge = json!({ "issuer-domain-names": names });
            assert!(told(&challenge, &Value::Null).is_err(), "{challenge}");
        }
        let ten = json!({ "issuer-domain-names": &many[..10] });
        assert_eq!(told(&ten, &Value::Null), Ok(store::ACCOUNT_URL.to_owned()));
    }

    #[test]
    fn only_draft_02_announces_itself_in_the_directory() {
        let prefix = "https://ca.example/account-hash/";
        assert!(announced(
            &json!({ "accountHashPrefix": prefix, "issuerDomainNames": ["ca.example"] })
        ));
        assert!(!announced(&json!({ "accountHashPrefix": prefix })));
        assert!(!announced(&json!({ "caaIdentities": ["ca.example"] })) && !announced(&Value::Null));
    }
}
