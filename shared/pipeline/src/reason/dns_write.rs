//! Why the broker could not change its own DNS zone.

use serde::{Deserialize, Serialize};

/// Why a change of the broker's own zone is not made. Every message names the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "dns_write", rename_all = "kebab-case")]
pub enum DnsWriteProblem {
    /// The server gives no answer.
    #[error("no answer from {server}: {why}")]
    Unreachable {
        /// The server.
        server: String,
        /// The connection's problem.
        why: String,
    },
    /// The server failed; it may succeed later (SERVFAIL, an error 5xx).
    #[error("{server} failed: {said}")]
    Failed {
        /// The server.
        server: String,
        /// Its response code or error.
        said: String,
    },
    /// The server wants fewer requests (Route 53: `Throttling`).
    #[error("{server} wants fewer requests")]
    Throttled {
        /// The server.
        server: String,
    },
    /// The server still works on an earlier change (Route 53: `PriorRequestNotComplete`).
    #[error("{server} still works on an earlier change")]
    Busy {
        /// The server.
        server: String,
    },
    /// The server refuses this key, this name, or changes at all (REFUSED, NOTAUTH, BADKEY, `AccessDenied`).
    #[error("{server} refuses: {said}")]
    Refused {
        /// The server.
        server: String,
        /// Its response code or error, and what it usually means.
        said: String,
    },
    /// The response is not from the server that has the key (RFC 8945 §5.3).
    #[error("the response of {server} is not signed with the key: {why}")]
    Unsigned {
        /// The server.
        server: String,
        /// What is wrong with its signature.
        why: String,
    },
}

impl DnsWriteProblem {
    /// Only the broker's operator can end it.
    pub fn is_for_the_operator(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Unsigned { .. } => true,
            Self::Unreachable { .. } | Self::Failed { .. } | Self::Throttled { .. } | Self::Busy { .. } => false,
        }
    }

    /// A short name for metrics and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "dns-write-unreachable",
            Self::Failed { .. } => "dns-write-failed",
            Self::Throttled { .. } => "dns-write-throttled",
            Self::Busy { .. } => "dns-write-busy",
            Self::Refused { .. } => "dns-write-refused",
            Self::Unsigned { .. } => "dns-write-unsigned",
        }
    }
}
