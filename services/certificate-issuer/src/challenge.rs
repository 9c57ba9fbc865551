//! What an authorization offers (RFC 8555 §7.1.4), read from the CA's own JSON: instant-acme drops what it doesn't
//! know of a challenge, such as dns-persist-01's `issuer-domain-names`.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use instant_acme::ChallengeType;
use pipeline::outcome::Method;
use serde_json::Value;

use crate::directory::domains;

/// The longest token that broker-api's responder answers; CAs use 43 characters.
const LONGEST_TOKEN: usize = 128;

/// The challenge type as instant-acme calls it.
pub(crate) fn challenge_type(method: Method) -> ChallengeType {
    match method {
        Method::DnsPersist01 => ChallengeType::Unknown(method.as_str().to_string()),
        Method::Dns01 => ChallengeType::Dns01,
        Method::Http01 => ChallengeType::Http01,
    }
}

/// dns-01's TXT value (RFC 8555 §8.4): "the base64url encoding of the SHA-256 digest of the key authorization".
pub(crate) fn dns01_value(key_authorization: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, key_authorization.as_bytes()))
}

/// An authorization's challenges, and what else is needed to tell a user what to set.
pub(crate) struct Offered<'a> {
    /// Of the account key (RFC 7638).
    pub(crate) thumbprint: &'a str,
    /// The authorization as the CA sent it.
    pub(crate) answer: Value,
    /// `ACME_ISSUER_DOMAIN`.
    pub(crate) configured: Option<&'a str>,
    /// `caaIdentities` of the CA's directory.
    pub(crate) identities: &'a [String],
}

impl Offered<'_> {
    fn challenge(&self, method: Method) -> Option<&Value> {
        self.answer
            .get("challenges")?
            .as_array()?
            .iter()
            .find(|challenge| challenge.get("type").and_then(Value::as_str) == Some(method.as_str()))
    }

    /// The issuer domains that a standing record may name, when dns-persist-01 is offered and one is known: as the
    /// challenge says, else as set, else as the directory says.
    pub(crate) fn issuer_domains(&self) -> Option<Vec<String>> {
        let challenge = self.challenge(Method::DnsPersist01)?;
        let told = domains(challenge.get("issuer-domain-names"));
        let known = match (told.is_empty(), self.configured) {
            (false, _) => told,
            (true, Some(configured)) => vec![configured.to_ascii_lowercase()],
            (true, None) => self.identities.iter().take(1).cloned().collect(),
        };
        (!known.is_empty()).then_some(known)
    }

    /// The token and its key authorization (RFC 8555 §8.1: `token || '.' || thumbprint`), when the challenge is offered
    /// with a token that is one ("MUST NOT contain any characters outside the base64url alphabet").
    pub(crate) fn key_authorization(&self, method: Method) -> Option<(String, String)> {
        let token = self.challenge(method)?.get("token")?.as_str()?;
        let is_token = (1..=LONGEST_TOKEN).contains(&token.len())
            && token
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        is_token.then(|| (token.to_string(), format!("{token}.{}", self.thumbprint)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn offered<'a>(challenges: Value, configured: Option<&'a str>, identities: &'a [String]) -> Offered<'a> {
        Offered {
            thumbprint: "thumb",
            answer: json!({ "challenges": challenges }),
            configured,
            identities,
        }
    }

    #[test]
    fn issuer_domains_come_from_the_challenge_then_the_setting_then_the_directory() {
        let identities = ["pebble.test".to_string(), "other.test".to_string()];
        let bare = json!([{"type": "dns-persist-01"}]);
        let telling = json!([{"type": "dns-persist-01", "issuer-domain-names": ["CA.test", "b.test"]}]);
        for (challenges, configured, identities, expected) in [
            (
                telling,
                Some("set.test"),
                &identities[..],
                Some(vec!["ca.test", "b.test"]),
            ),
            (bare.clone(), Some("set.test"), &identities[..], Some(vec!["set.test"])),
            (bare.clone(), None, &identities[..], Some(vec!["pebble.test"])),
            (bare, None, &[][..], None),
            (
                json!([{"type": "dns-01", "token": "t"}]),
                Some("set.test"),
                &identities[..],
                None,
            ),
        ] {
            let found = offered(challenges, configured, identities).issuer_domains();
            assert_eq!(
                found,
                expected.map(|names| names.into_iter().map(String::from).collect())
            );
        }
    }

    #[test]
    fn key_authorizations_are_those_of_the_rfc() {
        let challenges = json!([
            {"type": "http-01", "token": "../x"},
            {"type": "dns-01", "token": "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"}
        ]);
        let offered = Offered {
            // RFC 7638 §3.1
            thumbprint: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
            ..offered(challenges, None, &[])
        };
        let (_, text) = offered.key_authorization(Method::Dns01).unwrap();
        assert_eq!(
            text,
            "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
        assert_eq!(dns01_value(&text).len(), 43);
        assert!(offered.key_authorization(Method::Http01).is_none(), "not a token");
    }
}
