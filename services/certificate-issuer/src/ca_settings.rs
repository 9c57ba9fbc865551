//! The settings of one CA, and ACME_OTHER_CAS, which has those of all but the first.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use operator_file::{Object, parse, text};
use secrecy::SecretBox;

use crate::limits::{Limits, LimitsSetting};

/// The longest name of a CA, and of other short texts.
const SHORT: usize = 100;
/// The longest of all other texts.
const LONG: usize = 2000;
/// The keys of an entry.
const KEYS: [&str; 11] = [
    "name",
    "directory_url",
    "ca_roots",
    "contact",
    "eab_kid",
    "eab_hmac_key",
    "issuer_domain",
    "preferred_chain",
    "limits",
    "one_account",
    "profile",
];

/// One CA, and how this service introduces itself there.
pub(crate) struct CaSettings {
    /// Its name in plans and messages.
    pub(crate) name: String,
    /// The URL of its directory (RFC 8555 §7.1.1).
    pub(crate) directory_url: String,
    /// PEM file of roots that are trusted in addition to the system's.
    pub(crate) roots: Option<PathBuf>,
    /// Contacts of new accounts.
    pub(crate) contact: Vec<String>,
    /// All tenants share one account, since the CA gives one only (Google: an EAB key registers one account).
    pub(crate) one_account: bool,
    /// The external account, if the CA wants one.
    pub(crate) external: Option<ExternalAccount>,
    /// The name that CAA records are assumed to use for the CA, if its directory has none.
    pub(crate) issuer_domain: Option<String>,
    /// The root that the chain should lead to.
    pub(crate) preferred_chain: Option<String>,
    /// Its rate limits.
    pub(crate) limits: Limits,
    /// The certificate profile to request.
    pub(crate) profile: Option<String>,
}

/// An account elsewhere that new ACME accounts are bound to (RFC 8555 §7.3.4).
pub(crate) struct ExternalAccount {
    pub(crate) kid: String,
    pub(crate) hmac_key: SecretBox<Vec<u8>>,
}

/// Whether the text is an `https://` URL with a host.
pub(crate) fn is_https(url: &str) -> bool {
    let uri: Option<http::Uri> = url.parse().ok();
    uri.is_some_and(|uri| uri.scheme_str() == Some("https") && uri.host().is_some())
}

/// The external account; none when neither is set. An error is the message for the operator, without the key.
pub(crate) fn external_account(
    kid: Option<&str>,
    key: Option<&str>,
    (kid_setting, key_setting): (&str, &str),
) -> Result<Option<ExternalAccount>, String> {
    let (kid, key) = match (kid, key) {
        (None, None) => return Ok(None),
        (Some(kid), Some(key)) => (kid, key),
        _ => return Err(format!("set both {kid_setting} and {key_setting}, or neither")),
    };
    let bytes = URL_SAFE_NO_PAD
        .decode(key.trim().trim_end_matches('='))
        .map_err(|_| format!("{key_setting} is not base64url"))?;
    Ok(Some(ExternalAccount {
        kid: kid.to_owned(),
        hmac_key: SecretBox::new(Box::new(bytes)),
    }))
}

/// A contact of an account, or why it is none.
pub(crate) fn contact(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.split_once(':') {
        None if text.is_empty() => Ok(String::new()),
        Some((_, rest)) if !rest.is_empty() => Ok(text.to_string()),
        _ => Err("write a URI such as mailto:ops@example.com".to_string()),
    }
}

/// The CAs in ACME_OTHER_CAS: a JSON list. An error is the message for the operator; it has no value in it.
pub(crate) fn others(json: &str) -> Result<Vec<CaSettings>, String> {
    let list = parse(json)?;
    let whole = serde_json::json!({ "cas": list });
    let entries = Object::of("", &whole)?.items("cas")?;
    entries
        .iter()
        .enumerate()
        .map(|(index, (_, entry))| other(&Object::of(format!("[{index}]"), entry)?))
        .collect()
}

fn other(entry: &Object<'_>) -> Result<CaSettings, String> {
    entry.only(&KEYS)?;
    let text_of = |key: &str| Ok::<_, String>(entry.text(key, LONG)?.map(str::to_owned));
    let directory_url = entry.needed_text("directory_url", LONG)?;
    if !is_https(directory_url) {
        return Err(format!("{} is not an https:// address", entry.at("directory_url")));
    }
    let limits: LimitsSetting = match entry.text("limits", LONG)? {
        None => LimitsSetting::Auto,
        Some(limits) => limits.parse().map_err(|_| {
            format!(
                "{}: write auto, none, or such as orders=300/3h,domain=50/7d",
                entry.at("limits")
            )
        })?,
    };
    let contacts = entry.items("contact")?.into_iter().map(|(path, value)| {
        let written = text(&path, value, LONG)?;
        contact(written).map_err(|why| format!("{path}: {why}"))
    });
    let (kid, key) = (entry.at("eab_kid"), entry.at("eab_hmac_key"));
    Ok(CaSettings {
        name: entry.needed_text("name", SHORT)?.to_owned(),
        directory_url: directory_url.to_owned(),
        roots: text_of("ca_roots")?.map(PathBuf::from),
        one_account: entry.flag("one_account")?.unwrap_or(false),
        contact: contacts.collect::<Result<_, _>>()?,
        external: external_account(
            entry.text("eab_kid", LONG)?,
            entry.text("eab_hmac_key", LONG)?,
            (&kid, &key),
        )?,
        issuer_domain: text_of("issuer_domain")?,
        preferred_chain: text_of("preferred_chain")?,
        limits: limits.at(directory_url),
        profile: text_of("profile")?,
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn every_setting_of_another_ca_is_read() {
        let cas = others(
            r#"[{"name": "zerossl", "directory_url": "https://acme.zerossl.com/v2/DV90", "ca_roots": "/etc/roots.pem",
                 "contact": ["mailto:ops@example.com"], "eab_kid": "kid-1", "eab_hmac_key": "AAECAw==",
                 "issuer_domain": "sectigo.com", "preferred_chain": "A Root", "limits": "orders=100/1h", "one_account": true, "profile": "classic"},
                {"name": "staging", "directory_url": "https://acme-staging-v02.api.letsencrypt.org/directory"}]"#,
        )
        .unwrap();
        let [zerossl, staging] = cas.as_slice() else {
            panic!("two");
        };
        assert_eq!(
            zerossl.external.as_ref().unwrap().hmac_key.expose_secret(),
            &[0, 1, 2, 3]
        );
        assert_eq!(zerossl.issuer_domain.as_deref(), Some("sectigo.com"));
        assert_eq!(zerossl.limits.orders.unwrap().most, 100);
        assert_eq!(zerossl.contact, ["mailto:ops@example.com"]);
        assert!(zerossl.one_account && !staging.one_account);
        assert_eq!((staging.limits, staging.external.is_none()), (Limits::default(), true));
        assert!(others("[]").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_named_and_no_secret_is_shown() {
        let with = |more: &str| format!(r#"[{{"name": "a", "directory_url": "https://ca.example/dir"{more}}}]"#);
        for (json, says) in [
            ("{".to_owned(), "not valid JSON"),
            ("{}".to_owned(), "cas: an object is not a list"),
            (with(r#", "eab_kid": "k""#), "set both [0].eab_kid and [0].eab_hmac_key"),
            (
                with(r#", "eab_kid": "k", "eab_hmac_key": "hunter2!""#),
                "[0].eab_hmac_key is not base64url",
            ),
            (with(r#", "hmac": "hunter2!""#), "[0]: there is no key \"hmac\""),
            (with(r#", "limits": "hunter2""#), "[0].limits: write auto"),
            (with(r#", "contact": ["ops"]"#), "[0].contact[0]: write a URI"),
            (
                r#"[{"name": "a", "directory_url": "http://ca.example/dir"}]"#.to_owned(),
                "[0].directory_url is not an https",
            ),
            (
                r#"[{"directory_url": "https://ca.example/dir"}]"#.to_owned(),
                "[0].name: it is missing",
            ),
        ] {
            let error = others(&json).err().unwrap();
            assert!(error.contains(says), "{json}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
