//! Why DNS gave no answer.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::shown;

/// Why a name gave no records. Every text says at which server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "dns", rename_all = "kebab-case")]
pub enum DnsProblem {
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
    /// The server answers with authority, but for a zone above the one that is delegated to it, where the name isn't.
    #[error("{server} answers from the zone {other}, it doesn't have {zone}, which is delegated to it")]
    OtherZone {
        /// Who said so.
        server: String,
        /// What it should serve.
        zone: String,
        /// What it serves.
        other: String,
    },
    /// The server answered with an error: SERVFAIL, REFUSED, …
    #[error("{code} from {server}{}", because(why.as_deref()))]
    Code {
        /// The RCODE's usual name.
        code: String,
        /// Who said so.
        server: String,
        /// The server's own reason (RFC 8914).
        why: Option<String>,
    },
    /// A resolver that checks signatures doesn't hand the answer out; it does when asked not to check.
    #[error(
        "SERVFAIL from {server}, because the zone's DNSSEC is broken{}. A CA refuses it, too: compare the DS record at \
         your registrar with the zone's keys, and look whether its signatures have expired; a zone that isn't signed \
         must have no DS record",
        because(why.as_deref())
    )]
    Dnssec {
        /// The resolver.
        server: String,
        /// Its own reason (RFC 8914).
        why: Option<String>,
    },
    /// A resolver comes to no answer, though the zone's own servers give one to us.
    #[error(
        "SERVFAIL from {server}, whether DNSSEC is checked or not{}. A CA may fail there, too: compare the name servers \
         at your registrar with the zone's NS records, and look whether each of them answers for the zone",
        because(why.as_deref())
    )]
    Unresolvable {
        /// The resolver.
        server: String,
        /// Its own reason (RFC 8914).
        why: Option<String>,
    },
    /// A name server that the zone names has no address that may be asked.
    #[error("{server} has no usable address")]
    NoAddress {
        /// Its name.
        server: String,
    },
    /// No answer in time.
    #[error("no answer from {server} within {}", shown::span(*after))]
    Silent {
        /// Who was asked.
        server: String,
        /// How long each attempt waited.
        #[serde(with = "super::millis", rename = "after_ms")]
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
        what: Links,
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

/// What leads from one name, or zone, to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Links {
    Cnames,
    Delegations,
}

impl fmt::Display for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cnames => "CNAMEs",
            Self::Delegations => "delegations",
        })
    }
}

fn because(why: Option<&str>) -> String {
    why.map(|why| format!(" ({why})")).unwrap_or_default()
}

impl DnsProblem {
    /// Of several servers' failures the most telling: one that answered says more than one that didn't.
    pub fn telling(&self) -> u8 {
        match self {
            // Without IPv6 here every IPv6 address is unreachable: that says nothing about the server.
            Self::NoAddress { .. } | Self::Unreachable { .. } => 0,
            Self::Silent { .. } => 1,
            Self::Garbled { .. } => 2,
            Self::Lame { .. } => 3,
            _ => 4,
        }
    }

    /// Whether it is an answer: the server says, with authority, that the record isn't there. A resolver believes it;
    /// after any other problem it asks the next server.
    pub fn denies(&self) -> bool {
        matches!(
            self,
            Self::NoSuchName { .. } | Self::NoRecord { .. } | Self::OtherZone { .. }
        )
    }

    /// What a server denies, without its name; it stands in brackets behind it.
    pub fn denied(&self) -> String {
        match self {
            Self::NoSuchName { .. } => "no such name".to_owned(),
            Self::NoRecord { kind, .. } => format!("no {kind} record"),
            Self::OtherZone { other, .. } => format!("it answers from the zone {other}"),
            other => other.to_string(),
        }
    }

    /// The same, of these servers together.
    #[must_use]
    pub fn at(mut self, servers: String) -> Self {
        if let Self::NoSuchName { server } | Self::NoRecord { server, .. } = &mut self {
            *server = servers;
        }
        self
    }
}

/// A look-up that ended without records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{problem}")]
pub struct LookupFailure {
    /// The name at which it ended, when CNAMEs led elsewhere.
    pub alias: Option<String>,
    /// What happened there.
    pub problem: DnsProblem,
}
