//! What would count as proof, for one domain.

use pipeline::caa::CaaExpected;
use pipeline::persist::PersistExpected;

/// What the CA would have to see for one domain; every `None` is a way that this order doesn't offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The domain in its ASCII form (A-labels), without a trailing dot; it may be a wildcard.
    pub domain: String,
    /// The standing record, where the CA offers dns-persist-01.
    pub persist: Option<PersistExpected>,
    /// The TXT value at `_acme-challenge.<domain>`: base64url of a SHA-256 (RFC 8555 §8.4).
    pub dns01: Option<String>,
    /// The file at `/.well-known/acme-challenge/<token>` (RFC 8555 §8.3).
    pub http01: Option<Http01Expected>,
    /// What the domain's CAA records have to allow; `None`: it isn't known what they may call the CA.
    pub caa: Option<CaaExpected>,
}

/// What the CA's GET has to bring back.
#[derive(Clone, PartialEq, Eq)]
pub struct Http01Expected {
    /// The last segment of the path.
    pub token: String,
    /// The whole body, but for white space at its end.
    pub key_authorization: String,
}

impl std::fmt::Debug for Http01Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http01Expected")
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}
