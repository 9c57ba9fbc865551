//! Which form of the standing record the CA expects (draft-ietf-acme-dns-persist). The draft's versions expect
//! different forms under one name, so the form is inferred from members of the challenge and the directory that only
//! one version has; a challenge that fits no version is not shown to any user, and the operator is informed. One file
//! per form.

use serde_json::Value;

use super::DnsPersist01;
use crate::issue_value::{is_normalized, is_value};
use crate::proof::{Method, Offered};
use crate::shown::harmless;

mod account_url;
mod hashed;

/// The draft allows at most this many names in a challenge (§3.1), and asks clients to refuse a challenge with more.
const MOST_NAMES: usize = 10;

/// The maximum length of a CA's text that an operator is shown.
const MOST_CHARS: usize = 300;

/// Reads which record proves a domain, or why none is known to.
pub(super) fn read(offered: &Offered<'_>) -> Option<Result<DnsPersist01, String>> {
    let challenge = offered.challenge(Method::DnsPersist01)?;
    Some(read_challenge(challenge, offered).and_then(|read| {
        if read.account_uris.iter().all(fits) {
            return Ok(read);
        }
        Err("the account's URI has characters that a record can't have".to_owned())
    }))
}

fn read_challenge(challenge: &Value, offered: &Offered<'_>) -> Result<DnsPersist01, String> {
    let has = |object: &Value, member: &str| object.get(member).is_some();
    let (of_01, of_02) = (has(challenge, account_url::NAMES), has(challenge, hashed::NAMES));
    match (of_01, of_02, has(offered.meta, hashed::PREFIX)) {
        (_, true, true) => hashed::read(challenge, offered),
        (true, false, false) => account_url::read(challenge, offered.account),
        (false, true, false) | (true, true, false) => {
            Err("the challenge has issuerDomainNames (draft -02), the directory no accountHashPrefix".to_owned())
        }
        (true, false, true) => Err(
            "the directory has accountHashPrefix (draft -02), the challenge issuer-domain-names (draft -01)".to_owned(),
        ),
        (false, false, _) => Err(
            "the challenge has neither issuer-domain-names (draft -01) nor issuerDomainNames (draft -02)".to_owned(),
        ),
    }
}

/// CAs quote it with a DNS library that puts a backslash before these two characters.
fn fits(uri: &str) -> bool {
    is_value(uri) && !uri.contains(['"', '\\'])
}

/// The CA's names in an optional list of the CA's.
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

/// A CA's text on one line.
fn clean(text: &str) -> String {
    harmless(text.trim(), MOST_CHARS)
}

/// What a doctor can tell from the directory alone: only draft -02 is announced there.
pub fn announced(meta: &Value) -> bool {
    meta.get(hashed::PREFIX).is_some() && names(meta, hashed::NAMES).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::proof::Account;
    use crate::proof::dns_persist01::Form;

    pub(super) const ACCOUNT: Account<'_> = Account {
        url: "https://ca.example/acct/123",
        thumbprint: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        earlier_thumbprints: &[],
    };

    fn told(challenge: &Value, meta: &Value) -> Result<Form, String> {
        let mut challenge = challenge.clone();
        challenge["type"] = "dns-persist-01".into();
        let authorization = json!({ "challenges": [challenge] });
        let offered = Offered {
            authorization: &authorization,
            meta,
            domain: "example.com",
            account: ACCOUNT,
            delegation: None,
        };
        read(&offered).unwrap().map(|read| read.form)
    }

    #[test]
    fn the_form_is_read_and_never_guessed() {
        let of_00 = json!({ "issuer-domain-names": ["authority.example"] });
        let of_01 = json!({ "issuer-domain-names": ["authority.example"], "accounturi": ACCOUNT.url });
        let of_02 = json!({ "issuerDomainNames": ["authority.example"] });
        let both = json!({ "issuer-domain-names": ["a.example"], "issuerDomainNames": ["a.example"] });
        let meta = json!({ "accountHashPrefix": "https://ca.example/account-hash/", "issuerDomainNames": ["authority.example"] });
        let (old, new) = (Ok(Form::AccountUrl), Ok(Form::Hashed));
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
        assert_eq!(told(&ten, &Value::Null), Ok(Form::AccountUrl));
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
