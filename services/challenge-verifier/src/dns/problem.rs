//! Why there is no answer, in the user's words.

use std::time::Duration;

use crate::shown;

/// Why a name gave no records. Every text says at which server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The name doesn't exist (RCODE 3).
    #[error("no such name (NXDOMAIN) at {server}")]
    NoSuchName {
        /// Who said so.
        server: String,
    },
    /// The name exists, but has nothing of the type asked for.
    #[error("no {kind} record at {server}")]
    NoRecord {
        /// The type asked for.
        kind: String,
        /// Who said so.
        server: String,
    },
    /// The server answered with an error: SERVFAIL, REFUSED, …
    #[error("{code} from {server}")]
    Code {
        /// The RCODE's usual name.
        code: String,
        /// Who said so.
        server: String,
    },
    /// No answer in time.
    #[error("no answer from {server} within {}", shown::span(*after))]
    Silent {
        /// Who was asked.
        server: String,
        /// How long each attempt waited.
        after: Duration,
    },
    /// The server can't be reached at all.
    #[error("{server} can't be reached ({why})")]
    Unreachable {
        /// Who was asked.
        server: String,
        /// The operating system's reason.
        why: String,
    },
    /// What came back is no DNS answer to the question.
    #[error("{server} gave an answer that can't be read")]
    Garbled {
        /// Who was asked.
        server: String,
    },
    /// A server that a delegation names doesn't serve the zone.
    #[error("{server} doesn't serve the zone {zone} (lame delegation)")]
    Lame {
        /// Who was asked.
        server: String,
        /// What it should serve.
        zone: String,
    },
    /// None of the zone's servers has an address that may be asked.
    #[error("no usable address for the name servers of {zone} ({servers})")]
    NoServers {
        /// The zone.
        zone: String,
        /// Its servers' names.
        servers: String,
    },
    /// CNAMEs that lead back to a name already seen.
    #[error("the CNAMEs form a loop at {name}")]
    Loop {
        /// Where it closes.
        name: String,
    },
    /// More CNAMEs or delegations than anyone needs.
    #[error("more than {limit} {what}")]
    TooMany {
        /// CNAMEs or delegations.
        what: &'static str,
        /// How many are followed.
        limit: usize,
    },
    /// The text is no domain name.
    #[error("{name} is no domain name")]
    BadName {
        /// The text, already escaped.
        name: String,
    },
}

impl Problem {
    /// Of several servers' failures the most telling: one that answered says more than one that didn't.
    pub(super) fn telling(&self) -> u8 {
        match self {
            // Without IPv6 here every IPv6 address is unreachable: that says nothing about the server.
            Self::Unreachable { .. } => 0,
            Self::Silent { .. } => 1,
            Self::Garbled { .. } => 2,
            Self::Lame { .. } => 3,
            _ => 4,
        }
    }
}

/// A look-up that ended without records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct LookupFailure {
    /// The name at which it ended, when CNAMEs led elsewhere.
    pub alias: Option<String>,
    /// What happened there.
    pub problem: Problem,
}
