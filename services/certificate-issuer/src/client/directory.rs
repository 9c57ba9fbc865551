//! The CA's directory (RFC 8555 §7.1.1), cached: instant-acme would fetch it for every account object, and drops
//! `caaIdentities`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::Request;
use instant_acme::{BodyWrapper, Error};
use serde_json::Value;

use crate::client::acme_client::Exchange;

/// The most names of one CA that are kept.
const MOST_NAMES: usize = 10;
/// CAs change their directories rarely, and keep the old URLs for long.
const FRESH_FOR: Duration = Duration::from_secs(3600);

/// The CA's endpoints and metadata.
#[derive(Debug)]
pub(crate) struct Directory {
    /// The whole directory object.
    pub(crate) json: Value,
    /// The newNonce URL.
    pub(crate) new_nonce: String,
    /// The newAccount URL.
    pub(crate) new_account: String,
    /// The keyChange URL (RFC 8555 §7.3.5), if the CA supports it.
    pub(crate) key_change: Option<String>,
    /// The renewalInfo URL (RFC 9773), if the CA supports it.
    pub(crate) renewal_info: Option<String>,
    /// "The hostnames that the ACME server recognizes as referring to itself" in CAA records and the like.
    pub(crate) caa_identities: Vec<String>,
}

impl Directory {
    pub(crate) fn read(json: Value) -> Option<Self> {
        let text = |name: &str| Some(json.get(name)?.as_str()?.to_string());
        text("newOrder")?;
        Some(Self {
            new_nonce: text("newNonce")?,
            new_account: text("newAccount")?,
            key_change: text("keyChange"),
            renewal_info: text("renewalInfo"),
            caa_identities: domains(json.pointer("/meta/caaIdentities")),
            json,
        })
    }

    /// The directory's metadata (RFC 8555 §7.1.1); null when there is none.
    pub(crate) fn meta(&self) -> &Value {
        self.json.get("meta").unwrap_or(&Value::Null)
    }

    /// The names that CAA records may use for the CA: its own list, else `configured`. Empty when the names are unknown
    /// or the list is incomplete: then no record can be said to name another CA.
    pub(crate) fn called_by_caa(&self, configured: Option<&str>) -> Vec<String> {
        match self.caa_identities.len() {
            0 => configured.map(str::to_ascii_lowercase).into_iter().collect(),
            MOST_NAMES.. => Vec::new(),
            _ => self.caa_identities.clone(),
        }
    }
}

/// The domains in a JSON array, in lower case, at most ten; empty when the value is not an array.
pub(crate) fn domains(value: Option<&Value>) -> Vec<String> {
    value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|name| is_domain(name))
        .take(MOST_NAMES)
        .map(str::to_ascii_lowercase)
        .collect()
}

/// Users read these names and paste them, so nothing else may be in them.
pub(crate) fn is_domain(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 253
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// The directory, cached for an hour.
#[derive(Default)]
pub(crate) struct DirectoryCache {
    kept: Mutex<Option<(Instant, Arc<Directory>)>>,
}

impl DirectoryCache {
    /// The directory at this URL; the cached one when the CA doesn't return a new one.
    ///
    /// # Errors
    /// When the CA can't be reached.
    pub(crate) async fn get(&self, exchange: &Exchange, url: &str) -> Result<Arc<Directory>, Error> {
        let kept = self.kept().clone();
        if let Some((at, directory)) = kept.as_ref()
            && at.elapsed() < FRESH_FOR
        {
            return Ok(directory.clone());
        }
        let fetched = match fetch(exchange, url).await {
            Ok(directory) => Arc::new(directory),
            Err(error) => {
                return kept.map(|(_, old)| old).ok_or(error);
            }
        };
        *self.kept() = Some((Instant::now(), fetched.clone()));
        Ok(fetched)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Option<(Instant, Arc<Directory>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fetches the directory.
///
/// # Errors
/// When the CA can't be reached.
pub(crate) async fn fetch(exchange: &Exchange, url: &str) -> Result<Directory, Error> {
    let request = Request::builder().uri(url).body(BodyWrapper::default())?;
    Directory::read(exchange.send(request).await?.json())
        .ok_or(Error::Str("the directory lacks newNonce, newAccount or newOrder"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_directory_is_read_with_and_without_identities() {
        let bare =
            json!({"newNonce": "https://ca/nonce", "newAccount": "https://ca/account", "newOrder": "https://ca/order"});
        assert!(Directory::read(bare.clone()).unwrap().caa_identities.is_empty());
        let mut told = bare;
        told["meta"] = json!({"caaIdentities": ["Pebble.Test", "", 7, "x; accounturi=y", "a\u{0}b"]});
        assert_eq!(Directory::read(told).unwrap().caa_identities, ["pebble.test"]);
        assert!(Directory::read(json!({"type": "urn:ietf:params:acme:error:serverInternal"})).is_none());
    }

    #[test]
    fn what_caa_records_may_call_the_ca_is_known_whole_or_not_at_all() {
        let called = |identities: &[String], configured: Option<&str>| {
            let told =
                json!({"newNonce": "n", "newAccount": "a", "newOrder": "o", "meta": {"caaIdentities": identities}});
            Directory::read(told).unwrap().called_by_caa(configured)
        };
        let two = ["Pebble.test".to_string(), "other.test".to_string()];
        assert_eq!(called(&two, Some("set.test")), ["pebble.test", "other.test"]);
        assert_eq!(called(&[], Some("Set.test")), ["set.test"]);
        assert!(called(&[], None).is_empty());
        let many: Vec<String> = (0..11).map(|n| format!("ca{n}.test")).collect();
        assert!(called(&many, Some("set.test")).is_empty());
    }
}
