//! newAccount (RFC 8555 §7.3). Written here because instant-acme registers either with a key that it makes itself or
//! without contacts and external account, and the key must be in the database before the CA hears of it.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, Method, Request};
use instant_acme::{BodyWrapper, Error};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::acme_client::Exchange;
use crate::directory::Directory;
use crate::settings::ExternalAccount;
use crate::words::short_type;

/// A nonce can be refused at any time (RFC 8555 §6.5: the client "SHOULD retry"), Pebble does so on purpose.
const ATTEMPTS_WITH_A_NONCE: usize = 4;

/// Registers the key, or finds the account that it has: a CA answers the same key with the same account (§7.3.1).
/// Returns the account's URL.
///
/// # Errors
/// What the CA or the connection to it came up with.
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

/// The URL of the account that the key has; registers nothing (`onlyReturnExisting`, §7.3.1).
///
/// # Errors
/// `accountDoesNotExist` when it has none; what the CA or the connection to it came up with.
pub(crate) async fn find(exchange: &Exchange, directory: &Directory, key_pkcs8: &[u8]) -> Result<String, Error> {
    let payload = json!({ "onlyReturnExisting": true });
    new_account(exchange, directory, &read(key_pkcs8)?, &payload).await
}

fn read(key_pkcs8: &[u8]) -> Result<EcdsaKeyPair, Error> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key_pkcs8).map_err(|_| Error::KeyRejected)
}

async fn new_account(
    exchange: &Exchange,
    directory: &Directory,
    key: &EcdsaKeyPair,
    payload: &Value,
) -> Result<String, Error> {
    let mut nonce = fetch_nonce(exchange, &directory.new_nonce).await?;
    let mut left = ATTEMPTS_WITH_A_NONCE;
    loop {
        left -= 1;
        let body = signed(key, &directory.new_account, &nonce, payload)?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(&directory.new_account)
            .header(CONTENT_TYPE, "application/jose+json")
            .body(BodyWrapper::from(body.to_string().into_bytes()))?;
        match exchange.send(request).await {
            Ok(answer) => {
                return answer
                    .headers
                    .get(LOCATION)
                    .and_then(|value| value.to_str().ok())
                    .map(str::to_string)
                    .ok_or(Error::Str("no account URL in the answer to newAccount"));
            }
            Err(Error::Api(problem)) if left > 0 && short_type(problem.r#type.as_deref()) == Some("badNonce") => {
                let fresh = exchange.last().and_then(|answer| nonce_of(&answer.headers));
                nonce = match fresh {
                    Some(fresh) => fresh,
                    None => fetch_nonce(exchange, &directory.new_nonce).await?,
                };
            }
            Err(error) => return Err(error),
        }
    }
}

async fn fetch_nonce(exchange: &Exchange, url: &str) -> Result<String, Error> {
    let request = Request::builder()
        .method(Method::HEAD)
        .uri(url)
        .body(BodyWrapper::default())?;
    nonce_of(&exchange.send(request).await?.headers).ok_or(Error::Str("no nonce in the answer to newNonce"))
}

fn nonce_of(headers: &HeaderMap) -> Option<String> {
    Some(headers.get("replay-nonce")?.to_str().ok()?.to_string())
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

/// RFC 7518 §6.2.1: the two coordinates of an uncompressed point.
fn jwk(key: &EcdsaKeyPair) -> Value {
    let point = key.public_key().as_ref();
    let (x, y) = point.get(1..).unwrap_or_default().split_at(32.min(point.len()));
    json!({
        "crv": "P-256",
        "kty": "EC",
        "x": URL_SAFE_NO_PAD.encode(x),
        "y": URL_SAFE_NO_PAD.encode(y),
    })
}

/// RFC 8555 §6.2: a flattened JWS, with the key itself since there is no account yet.
fn signed(key: &EcdsaKeyPair, url: &str, nonce: &str, payload: &Value) -> Result<Value, Error> {
    let header = json!({ "alg": "ES256", "jwk": jwk(key), "nonce": nonce, "url": url });
    let (protected, payload) = (encoded(&header), encoded(payload));
    let signature = key
        .sign(&SystemRandom::new(), format!("{protected}.{payload}").as_bytes())
        .map_err(|_| Error::Crypto)?;
    Ok(json!({
        "protected": protected,
        "payload": payload,
        "signature": URL_SAFE_NO_PAD.encode(signature),
    }))
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;
    use crate::settings::ExternalAccount;
    use secrecy::SecretBox;

    fn key() -> EcdsaKeyPair {
        let (_, pkcs8) = instant_acme::Key::generate_pkcs8().unwrap();
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.secret_pkcs8_der()).unwrap()
    }

    fn decoded(value: &Value) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).unwrap()
    }

    #[test]
    fn the_request_is_signed_by_the_account_key() {
        let key = key();
        let body = signed(&key, "https://ca/new", "n1", &json!({"a": 1})).unwrap();
        let header: Value = serde_json::from_slice(&decoded(&body["protected"])).unwrap();
        assert_eq!(header["nonce"], "n1");
        assert_eq!(decoded(&header["jwk"]["x"]).len(), 32);
        assert_eq!(decoded(&header["jwk"]["y"]).len(), 32);
        let text = format!(
            "{}.{}",
            body["protected"].as_str().unwrap(),
            body["payload"].as_str().unwrap()
        );
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key().as_ref())
            .verify(text.as_bytes(), &decoded(&body["signature"]))
            .unwrap();
    }

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
