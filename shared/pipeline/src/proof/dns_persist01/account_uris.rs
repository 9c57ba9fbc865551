//! The accepted values of a record's `accounturi`.

use std::fmt;

/// The values of `accounturi` that the CA accepts from an account for a domain; at least one.
///
/// Before draft -02 that is the account's URL. Since then it is computed with the account's key, and the CA also
/// accepts values computed with earlier keys.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AccountUris {
    to_set: String,
    besides: Vec<String>,
}

impl AccountUris {
    /// The first is the one to set. `None` when there is none.
    pub fn new(uris: Vec<String>) -> Option<Self> {
        let mut uris = uris.into_iter();
        Some(Self {
            to_set: uris.next()?,
            besides: uris.collect(),
        })
    }

    /// The value that a user is asked to set.
    pub fn to_set(&self) -> &str {
        &self.to_set
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.to_set).chain(&self.besides).map(String::as_str)
    }

    /// Compared character by character (RFC 3986 §6.2.1).
    pub fn contains(&self, uri: &str) -> bool {
        self.to_set == uri || self.besides.iter().any(|known| known == uri)
    }
}

impl From<&str> for AccountUris {
    fn from(uri: &str) -> Self {
        uri.to_owned().into()
    }
}

impl From<String> for AccountUris {
    fn from(uri: String) -> Self {
        Self {
            to_set: uri,
            besides: Vec::new(),
        }
    }
}

impl fmt::Display for AccountUris {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_set)
    }
}
