//! What an authorization offers (RFC 8555 §7.1.4), read from the CA's own JSON: instant-acme drops what it doesn't
//! know of a challenge, such as the CA's names of dns-persist-01.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use instant_acme::ChallengeType;
use pipeline::outcome::Method;
use serde_json::Value;

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
}

impl Offered<'_> {
    fn challenge(&self, method: Method) -> Option<&Value> {
        self.answer
            .get("challenges")?
            .as_array()?
            .iter()
            .find(|challenge| challenge.get("type").and_then(Value::as_str) == Some(method.as_str()))
    }

    /// The challenge of dns-persist-01 as the CA sent it, if it offers that.
    pub(crate) fn persist(&self) -> Option<&Value> {
        self.challenge(Method::DnsPersist01)
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

    #[test]
    fn key_authorizations_are_those_of_the_rfc() {
        let challenges = json!([
            {"type": "http-01", "token": "../x"},
            {"type": "dns-01", "token": "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"}
        ]);
        let offered = Offered {
            // RFC 7638 §3.1
            thumbprint: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
            answer: json!({ "challenges": challenges }),
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
