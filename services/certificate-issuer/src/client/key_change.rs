//! keyChange (RFC 8555 §7.3.5): replaces the account's key and keeps its URL. Implemented here because instant-acme
//! generates the new key itself and returns it only after the CA accepted it: a crash in between would lose the account
//! for ever.

use aws_lc_rs::signature::EcdsaKeyPair;
use instant_acme::Error;
use serde_json::{Value, json};

use crate::client::acme_client::Exchange;
use crate::client::directory::Directory;
use crate::client::jws::{jwk, post, read, signed};

/// Asks the CA at `url` to change the account's key. Whatever the response, only a look-up by the new key
/// ([`find`](crate::client::registration::find)) tells whether the CA changed it.
///
/// # Errors
/// The error of the CA or of the connection to it.
pub(crate) async fn change_key(
    exchange: &Exchange,
    directory: &Directory,
    url: &str,
    account_uri: &str,
    old_pkcs8: &[u8],
    new_pkcs8: &[u8],
) -> Result<(), Error> {
    let (old, new) = (read(old_pkcs8)?, read(new_pkcs8)?);
    let change = Change {
        url,
        account_uri,
        old: &old,
        new: &new,
    };
    let inner = change.inner()?;
    post(exchange, directory, url, |nonce| change.outer(nonce, &inner)).await?;
    Ok(())
}

struct Change<'a> {
    url: &'a str,
    account_uri: &'a str,
    old: &'a EcdsaKeyPair,
    new: &'a EcdsaKeyPair,
}

impl Change<'_> {
    /// Proves possession of the new key. Contains the key itself and "MUST NOT" have a nonce.
    fn inner(&self) -> Result<Value, Error> {
        signed(
            self.new,
            json!({ "jwk": jwk(self.new), "url": self.url }),
            &json!({ "account": self.account_uri, "oldKey": jwk(self.old) }),
        )
    }

    /// Proves that the account requests the change.
    fn outer(&self, nonce: &str, inner: &Value) -> Result<Value, Error> {
        let header = json!({ "kid": self.account_uri, "nonce": nonce, "url": self.url });
        signed(self.old, header, inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::jws::tests::{key, verified};

    #[test]
    fn the_new_key_signs_the_inside_and_the_old_one_the_outside() {
        let (old, new) = (key(), key());
        let change = Change {
            url: "https://ca/key-change",
            account_uri: "https://ca/acct/1",
            old: &old,
            new: &new,
        };
        let outer = change.outer("n1", &change.inner().unwrap()).unwrap();
        let (header, inner) = verified(&outer, &old);
        assert_eq!(
            header,
            json!({"alg": "ES256", "kid": "https://ca/acct/1", "nonce": "n1", "url": "https://ca/key-change"})
        );
        let (header, payload) = verified(&inner, &new);
        assert_eq!(
            header,
            json!({"alg": "ES256", "jwk": jwk(&new), "url": "https://ca/key-change"})
        );
        assert_eq!(payload, json!({"account": "https://ca/acct/1", "oldKey": jwk(&old)}));
        assert_ne!(jwk(&old), jwk(&new));
    }
}
