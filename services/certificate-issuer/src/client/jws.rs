//! Requests that are signed here and not by instant-acme (RFC 8555 §6.2): newAccount and keyChange. instant-acme would
//! generate the keys for them itself, but a key must be stored in the database before it is sent to the CA.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request};
use instant_acme::{BodyWrapper, Error};
use secrecy::SecretBox;
use serde_json::{Value, json};

use crate::client::acme_client::{Answer, Exchange};
use crate::client::directory::Directory;
use crate::client::words::short_type;

/// A nonce can be rejected at any time (RFC 8555 §6.5: the client "SHOULD retry"); Pebble does so on purpose.
const ATTEMPTS_WITH_A_NONCE: usize = 4;

/// A new account key, PKCS #8 DER.
///
/// # Errors
/// When the cryptographic library fails.
pub(crate) fn new_key() -> Result<SecretBox<Vec<u8>>, Error> {
    let (_, key) = instant_acme::Key::generate_pkcs8()?;
    Ok(SecretBox::new(Box::new(key.secret_pkcs8_der().to_vec())))
}

/// Parses an account key.
///
/// # Errors
/// When it is not a valid key.
pub(crate) fn read(key_pkcs8: &[u8]) -> Result<EcdsaKeyPair, Error> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key_pkcs8).map_err(|_| Error::KeyRejected)
}

/// The public key as a JWK (RFC 7518 §6.2.1): the two coordinates of an uncompressed point.
pub(crate) fn jwk(key: &EcdsaKeyPair) -> Value {
    let point = key.public_key().as_ref();
    let (x, y) = point.get(1..).unwrap_or_default().split_at(32.min(point.len()));
    json!({
        "crv": "P-256",
        "kty": "EC",
        "x": URL_SAFE_NO_PAD.encode(x),
        "y": URL_SAFE_NO_PAD.encode(y),
    })
}

/// The key's thumbprint (RFC 7638 §3.1): the public key's required members, in this order and without white space.
pub(crate) fn thumbprint(key: &EcdsaKeyPair) -> String {
    let jwk = jwk(key);
    let (x, y) = (
        jwk["x"].as_str().unwrap_or_default(),
        jwk["y"].as_str().unwrap_or_default(),
    );
    let text = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

/// A flattened JWS; `header` is the whole protected header except `alg`.
///
/// # Errors
/// When the cryptographic library fails.
pub(crate) fn signed(key: &EcdsaKeyPair, header: Value, payload: &Value) -> Result<Value, Error> {
    flattened(key, header, encoded(payload))
}

/// The same without a payload: a POST-as-GET (RFC 8555 §6.3).
///
/// # Errors
/// When the cryptographic library fails.
pub(crate) fn signed_get(key: &EcdsaKeyPair, header: Value) -> Result<Value, Error> {
    flattened(key, header, String::new())
}

fn flattened(key: &EcdsaKeyPair, mut header: Value, payload: String) -> Result<Value, Error> {
    header["alg"] = json!("ES256");
    let protected = encoded(&header);
    let signature = key
        .sign(&SystemRandom::new(), format!("{protected}.{payload}").as_bytes())
        .map_err(|_| Error::Crypto)?;
    Ok(json!({
        "protected": protected,
        "payload": payload,
        "signature": URL_SAFE_NO_PAD.encode(signature),
    }))
}

/// A JSON value in the encoding of a JWS.
pub(crate) fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// POSTs the JWS that `signed` creates with a nonce, and retries when the CA rejects the nonce.
///
/// # Errors
/// The error of the CA or of the connection to it.
pub(crate) async fn post(
    exchange: &Exchange,
    directory: &Directory,
    url: &str,
    signed: impl Fn(&str) -> Result<Value, Error>,
) -> Result<Answer, Error> {
    let mut nonce = fetch_nonce(exchange, &directory.new_nonce).await?;
    let mut left = ATTEMPTS_WITH_A_NONCE;
    loop {
        left -= 1;
        let request = Request::builder()
            .method(Method::POST)
            .uri(url)
            .header(CONTENT_TYPE, "application/jose+json")
            .body(BodyWrapper::from(signed(&nonce)?.to_string().into_bytes()))?;
        match exchange.send(request).await {
            Err(Error::Api(problem)) if left > 0 && short_type(problem.r#type.as_deref()) == Some("badNonce") => {
                let fresh = exchange.last().and_then(|answer| nonce_of(&answer.headers));
                nonce = match fresh {
                    Some(fresh) => fresh,
                    None => fetch_nonce(exchange, &directory.new_nonce).await?,
                };
            }
            result => return result,
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

#[cfg(test)]
pub(crate) mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    use secrecy::ExposeSecret as _;

    use super::*;

    pub(crate) fn key() -> EcdsaKeyPair {
        read(new_key().unwrap().expose_secret()).unwrap()
    }

    pub(crate) fn decoded(value: &Value) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).unwrap()
    }

    /// Protected header and payload of a JWS, after verifying the signature with this key.
    pub(crate) fn verified(jws: &Value, key: &EcdsaKeyPair) -> (Value, Value) {
        let text = |name: &str| jws[name].as_str().unwrap();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key().as_ref())
            .verify(
                format!("{}.{}", text("protected"), text("payload")).as_bytes(),
                &decoded(&jws["signature"]),
            )
            .unwrap();
        let json = |name: &str| serde_json::from_slice(&decoded(&jws[name])).unwrap();
        (json("protected"), json("payload"))
    }

    #[test]
    fn what_is_signed_is_the_header_and_the_payload() {
        let key = key();
        let jws = signed(&key, json!({"nonce": "n1"}), &json!({"a": 1})).unwrap();
        let (header, payload) = verified(&jws, &key);
        assert_eq!(header, json!({"alg": "ES256", "nonce": "n1"}));
        assert_eq!(payload, json!({"a": 1}));
    }

    #[test]
    fn a_public_key_has_two_coordinates_of_32_bytes() {
        let jwk = jwk(&key());
        assert_eq!((decoded(&jwk["x"]).len(), decoded(&jwk["y"]).len()), (32, 32));
    }
}
