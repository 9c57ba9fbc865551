//! newAccount (RFC 8555 §7.3). Implemented here because instant-acme registers either with a key that it generates
//! itself, or without contacts and external account, and the key must be stored in the database before it is sent to
//! the CA.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::EcdsaKeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::LOCATION;
use instant_acme::Error;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::ca_settings::ExternalAccount;
use crate::client::acme_client::Exchange;
use crate::client::directory::Directory;
use crate::client::jws::{encoded, jwk, post, read, signed};
use crate::client::words::short_type;

/// Registers the key, or finds its account: for a known key a CA returns the existing account (§7.3.1). Returns the
/// account's URL.
///
/// # Errors
/// The error of the CA or of the connection to it.
pub(crate) async fn register(
    exchange: &Exchange,
    directory: &Directory,
    key_pkcs8: &[u8],
    contact: &[String],
    external: Option<&ExternalAccount>,
) -> Result<String, Error> {
    let key = read(key_pkcs8)?;
    let payload = payload(&key, &directory.new_account, contact, external);
    new_account(exchange, directory, &key, &payload).await
}

/// The URL of the key's account; registers nothing (`onlyReturnExisting`, §7.3.1).
///
/// # Errors
/// `accountDoesNotExist` when the key has no account; the error of the CA or of the connection to it.
pub(crate) async fn find(exchange: &Exchange, directory: &Directory, key_pkcs8: &[u8]) -> Result<String, Error> {
    let payload = json!({ "onlyReturnExisting": true });
    new_account(exchange, directory, &read(key_pkcs8)?, &payload).await
}

/// The CA has no account with the key.
pub(crate) fn has_none(error: &Error) -> bool {
    matches!(error, Error::Api(problem) if short_type(problem.r#type.as_deref()) == Some("accountDoesNotExist"))
}

async fn new_account(
    exchange: &Exchange,
    directory: &Directory,
    key: &EcdsaKeyPair,
    payload: &Value,
) -> Result<String, Error> {
    let url = &directory.new_account;
    // Signed with the `jwk` header, since the account's URL is not known.
    let request = |nonce: &str| signed(key, json!({ "jwk": jwk(key), "nonce": nonce, "url": url }), payload);
    let answer = post(exchange, directory, url, request).await?;
    let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
    location
        .map(str::to_string)
        .ok_or(Error::Str("no account URL in the answer to newAccount"))
}

fn payload(key: &EcdsaKeyPair, url: &str, contact: &[String], external: Option<&ExternalAccount>) -> Value {
    let mut payload = json!({ "termsOfServiceAgreed": true });
    if !contact.is_empty() {
        payload["contact"] = json!(contact);
    }
    if let Some(external) = external {
        // RFC 8555 §7.3.4: the account's public key, signed with the MAC key; no nonce.
        let protected = encoded(&json!({ "alg": "HS256", "kid": external.kid, "url": url }));
        let bound = encoded(&jwk(key));
        let mac = hmac::Key::new(hmac::HMAC_SHA256, external.hmac_key.expose_secret());
        let tag = hmac::sign(&mac, format!("{protected}.{bound}").as_bytes());
        payload["externalAccountBinding"] = json!({
            "protected": protected,
            "payload": bound,
            "signature": URL_SAFE_NO_PAD.encode(tag),
        });
    }
    payload
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ca_settings::ExternalAccount;
    use crate::client::jws::tests::{decoded, key};
    use secrecy::SecretBox;

    #[test]
    fn an_external_account_signs_the_same_public_key() {
        let key = key();
        let external = ExternalAccount {
            kid: "kid-1".into(),
            hmac_key: SecretBox::new(Box::new(vec![7; 32])),
        };
        let payload = payload(&key, "https://ca/new", &["mailto:a@b.c".into()], Some(&external));
        let binding = &payload["externalAccountBinding"];
        let bound: Value = serde_json::from_slice(&decoded(&binding["payload"])).unwrap();
        assert_eq!(bound, jwk(&key));
        let header: Value = serde_json::from_slice(&decoded(&binding["protected"])).unwrap();
        assert_eq!(header, json!({"alg": "HS256", "kid": "kid-1", "url": "https://ca/new"}));
        let text = format!(
            "{}.{}",
            binding["protected"].as_str().unwrap(),
            binding["payload"].as_str().unwrap()
        );
        let mac = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        hmac::verify(&mac, text.as_bytes(), &decoded(&binding["signature"])).unwrap();
        assert!(super::payload(&key, "u", &[], None).get("contact").is_none());
    }
}
