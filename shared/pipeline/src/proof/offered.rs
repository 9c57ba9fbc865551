//! What an authorization offers (RFC 8555 §7.1.4), from the CA's own JSON: ACME clients drop unknown members of a
//! challenge, such as the CA's names of dns-persist-01.

use serde_json::Value;

use super::Method;

/// The longest token that broker-api's responder answers; CAs use 43 characters.
const LONGEST_TOKEN: usize = 128;

/// The account that requests the authorization.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// Its URL.
    pub url: &'a str,
    /// RFC 7638 thumbprint of its key.
    pub thumbprint: &'a str,
    /// Thumbprints of its earlier keys, the newest first.
    pub earlier_thumbprints: &'a [String],
}

/// An authorization, and the other inputs of its challenges.
#[derive(Debug, Clone, Copy)]
pub struct Offered<'a> {
    /// The authorization as the CA sent it.
    pub authorization: &'a Value,
    /// The directory's metadata (RFC 8555 §7.1.1).
    pub meta: &'a Value,
    /// The domain, in lower case; it may be a wildcard.
    pub domain: &'a str,
    /// The account that requests it.
    pub account: Account<'a>,
    /// The name in the broker's zone to which the tenant may delegate the domain's dns-01 challenges, if the broker has
    /// a zone.
    pub delegation: Option<&'a str>,
}

impl Offered<'_> {
    /// The challenge of this type as the CA sent it, if it is offered.
    pub(super) fn challenge(&self, method: Method) -> Option<&Value> {
        self.authorization
            .get("challenges")?
            .as_array()?
            .iter()
            .find(|challenge| challenge.get("type").and_then(Value::as_str) == Some(method.acme_type()))
    }

    /// The token and its key authorization (RFC 8555 §8.1: `token || '.' || thumbprint`), if the challenge is offered
    /// with a valid token ("MUST NOT contain any characters outside the base64url alphabet").
    pub(super) fn key_authorization(&self, method: Method) -> Option<(String, String)> {
        let token = self.challenge(method)?.get("token")?.as_str()?;
        let is_token = (1..=LONGEST_TOKEN).contains(&token.len())
            && token
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        is_token.then(|| (token.to_owned(), format!("{token}.{}", self.account.thumbprint)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::proof::{Challenge, Challenges};

    #[test]
    fn key_authorizations_are_those_of_the_rfc() {
        let authorization = json!({ "challenges": [
            {"type": "http-01", "token": "../x"},
            {"type": "dns-01", "token": "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"}
        ]});
        let offered = Offered {
            authorization: &authorization,
            meta: &Value::Null,
            domain: "example.com",
            account: Account {
                url: "https://ca.example/acct/1",
                // RFC 7638 §3.1
                thumbprint: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
                earlier_thumbprints: &[],
            },
            delegation: None,
        };
        let (_, text) = offered.key_authorization(Method::Dns01).unwrap();
        assert_eq!(
            text,
            "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
        let challenges = Challenges::read(&offered);
        let [Challenge::Dns01(dns01)] = challenges.iter().as_slice() else {
            panic!("{challenges:?}: what http-01 has is no token")
        };
        assert_eq!(dns01.value.len(), 43);
    }
}
