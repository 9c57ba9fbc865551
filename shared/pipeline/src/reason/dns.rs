//! Why a DNS query returned no records.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::shown;

/// Why a name returned no records. Every message names the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "dns", rename_all = "kebab-case")]
pub enum DnsProblem {
    /// The name doesn't exist (RCODE 3).
    #[error("no such name (NXDOMAIN) at {server}")]
    NoSuchName {
        /// The server that answered.
        server: String,
    },
    /// The name exists, but has no record of the requested type.
    #[error("no {kind} record at {server}")]
    NoRecord {
        /// The requested type.
        kind: String,
        /// The server that answered.
        server: String,
    },
    /// The server answers authoritatively, but for a zone above the one that is delegated to it, in which the name does
    /// not exist.
    #[error("{server} answers from the zone {other}, it doesn't have {zone}, which is delegated to it")]
    OtherZone {
        /// The server that answered.
        server: String,
        /// The zone that it should serve.
        zone: String,
        /// The zone that it serves.
        other: String,
    },
    /// The server answered with an error: SERVFAIL, REFUSED, …
    #[error("{code} from {server}{}", because(why.as_deref()))]
    Code {
        /// The RCODE's usual name.
        code: String,
        /// The server that answered.
        server: String,
        /// The server's own reason (RFC 8914).
        why: Option<String>,
    },
    /// A validating resolver withholds the answer; it returns the answer when asked not to validate.
    #[error(
        "SERVFAIL from {server}, because the zone's DNSSEC is broken{}. A CA refuses it, too: compare the DS record at \
         your registrar with the zone's keys, and check whether its signatures have expired; a zone that isn't signed \
         must have no DS record",
        because(why.as_deref())
    )]
    Dnssec {
        /// The resolver.
        server: String,
        /// Its own reason (RFC 8914).
        why: Option<String>,
    },
    /// A resolver fails to answer, though the zone's own servers answer this program.
    #[error(
        "SERVFAIL from {server}, whether DNSSEC is checked or not{}. A CA may fail there, too: compare the name servers \
         at your registrar with the zone's NS records, and check whether each of them answers for the zone",
        because(why.as_deref())
    )]
    Unresolvable {
        /// The resolver.
        server: String,
        /// Its own reason (RFC 8914).
        why: Option<String>,
    },
    /// A name server of the zone has no address that may be queried.
    #[error("{server} has no usable address")]
    NoAddress {
        /// Its name.
        server: String,
    },
    /// No answer in time.
    #[error("no answer from {server} within {}", shown::span(*after))]
    Silent {
        /// The server that was queried.
        server: String,
        /// How long each attempt waited.
        #[serde(with = "super::millis", rename = "after_ms")]
        after: Duration,
    },
    /// The server can't be reached at all.
    #[error("{server} can't be reached ({why})")]
    Unreachable {
        /// The server that was queried.
        server: String,
        /// The operating system's reason.
        why: String,
    },
    /// The response is not a valid DNS answer to the question.
    #[error("{server} gave an answer that can't be read")]
    Garbled {
        /// The server that was queried.
        server: String,
    },
    /// A server that a delegation names doesn't serve the zone.
    #[error("{server} doesn't serve the zone {zone} (lame delegation)")]
    Lame {
        /// The server that was queried.
        server: String,
        /// The zone that it should serve.
        zone: String,
    },
    /// None of the zone's servers has an address that may be queried.
    #[error("no usable address for the name servers of {zone} ({servers})")]
    NoServers {
        /// The zone.
        zone: String,
        /// Its servers' names.
        servers: String,
    },
    /// CNAMEs that lead back to a name already visited.
    #[error("the CNAMEs form a loop at {name}")]
    Loop {
        /// The name at which the loop closes.
        name: String,
    },
    /// More CNAMEs or delegations than any legitimate name needs.
    #[error("more than {limit} {what}")]
    TooMany {
        /// CNAMEs or delegations.
        what: Links,
        /// The maximum number that is followed.
        limit: usize,
    },
    /// The text is not a valid domain name.
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
    /// The rank of a failure among those of several servers: a server that answered is more informative than one that
    /// didn't.
    pub fn telling(&self) -> u8 {
        match self {
            // Without IPv6 on this machine every IPv6 address is unreachable, which says nothing about the server.
            Self::NoAddress { .. } | Self::Unreachable { .. } => 0,
            Self::Silent { .. } => 1,
            Self::Garbled { .. } => 2,
            Self::Lame { .. } => 3,
            _ => 4,
        }
    }

    /// Whether this is an answer: the server says authoritatively that the record doesn't exist. A resolver believes
    /// that; after any other problem it queries the next server.
    pub fn denies(&self) -> bool {
        matches!(
            self,
            Self::NoSuchName { .. } | Self::NoRecord { .. } | Self::OtherZone { .. }
        )
    }

    /// The zone's own and whole answer: there is no such record.
    pub(super) fn is_plain_denial(&self) -> bool {
        matches!(self, Self::NoSuchName { .. } | Self::NoRecord { .. })
    }

    /// What a server denies, without the server's name, which follows in brackets.
    pub fn denied(&self) -> String {
        match self {
            Self::NoSuchName { .. } => "no such name".to_owned(),
            Self::NoRecord { kind, .. } => format!("no {kind} record"),
            Self::OtherZone { other, .. } => format!("it answers from the zone {other}"),
            other => other.to_string(),
        }
    }

    /// The same problem, attributed to these servers together.
    #[must_use]
    pub fn at(mut self, servers: String) -> Self {
        if let Self::NoSuchName { server } | Self::NoRecord { server, .. } = &mut self {
            *server = servers;
        }
        self
    }
}

/// A lookup that ended without records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{problem}")]
pub struct LookupFailure {
    /// The name at which it ended, when CNAMEs led elsewhere.
    pub alias: Option<String>,
    /// What happened there.
    pub problem: DnsProblem,
}
