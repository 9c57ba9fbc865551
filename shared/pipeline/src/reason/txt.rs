//! What was seen of a TXT record that proves a domain.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{DnsProblem, Spread};
use crate::proof::dns_persist01::{Mismatch, PersistExpected};

/// What was seen of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "txt", rename_all = "kebab-case")]
pub enum Txt {
    /// Every name server has it, and a resolver returns it.
    InPlace {
        /// Its content.
        says: Says,
        /// The servers that have it.
        spread: Spread,
    },
    /// Every name server has it, but a resolver doesn't return it.
    Withheld {
        /// Its content.
        says: Says,
        /// The servers that have it.
        spread: Spread,
        /// Why not.
        problem: DnsProblem,
    },
    /// Not every name server has it.
    NotEverywhere {
        /// Its content.
        says: Says,
        /// The servers that have it and those that don't.
        spread: Spread,
    },
    /// There is a record with another text.
    Wrong {
        /// What it says and what it should say.
        wrong: WrongTxt,
        /// Which server has it.
        server: String,
    },
    /// There are texts, but none concerns this challenge type.
    Unrelated {
        /// The servers that have them.
        servers: String,
    },
    /// A wildcard answers for the name.
    Wildcard(Wildcard),
    /// There is no record.
    Absent {
        /// What DNS answered.
        problem: DnsProblem,
    },
}

/// The content of a correct record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Says {
    /// The value of this order.
    AsExpected,
    /// This account may get certificates.
    Trusts(String),
}

/// The content of a wrong record, and what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "wrong", rename_all = "kebab-case")]
pub enum WrongTxt {
    /// Values other than this order's.
    Value {
        /// The first of them, formatted by [`shown::plain`](crate::shown::plain).
        found: Vec<String>,
        /// The number of further values.
        more: usize,
        /// The expected value.
        expected: String,
    },
    /// A standing record that the CA will not accept.
    Persist {
        /// What is wrong with it.
        mismatch: Mismatch,
        /// What is expected.
        expected: PersistExpected,
    },
}

/// A wildcard with a CNAME record (RFC 4592).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wildcard {
    /// `*.example.com`.
    pub owner: String,
    /// Its target.
    pub target: String,
    /// Its parent: the name without `*.`.
    pub parent: String,
}

impl Txt {
    /// Somebody has started with this record, so it is reported first. A CNAME that leads nowhere was set on purpose.
    pub(super) fn is_begun(&self, alias: Option<&str>) -> bool {
        match self {
            Self::InPlace { .. } | Self::Withheld { .. } | Self::NotEverywhere { .. } | Self::Wrong { .. } => true,
            Self::Unrelated { .. } | Self::Wildcard(_) => false,
            Self::Absent { problem } => {
                let on_purpose = matches!(
                    problem,
                    DnsProblem::Loop { .. } | DnsProblem::TooMany { .. } | DnsProblem::Dnssec { .. }
                );
                alias.is_some() || on_purpose
            }
        }
    }

    /// There is no record, or none that concerns anybody here, and the zone itself says so.
    pub(super) fn is_certainly_absent(&self, alias: Option<&str>) -> bool {
        match self {
            Self::Wildcard(_) => true,
            Self::Unrelated { .. } => alias.is_none(),
            Self::Absent { problem } => alias.is_none() && problem.is_plain_denial(),
            Self::InPlace { .. } | Self::Withheld { .. } | Self::NotEverywhere { .. } | Self::Wrong { .. } => false,
        }
    }

    /// It is certain that there is no correct record.
    pub(super) fn is_gone(&self) -> bool {
        match self {
            Self::InPlace { .. } | Self::Withheld { .. } | Self::NotEverywhere { .. } => false,
            Self::Wrong { .. } | Self::Unrelated { .. } | Self::Wildcard(_) => true,
            Self::Absent { problem } => problem.denies(),
        }
    }

    pub(super) fn text(&self, name: &str, alias: Option<&str>) -> String {
        let plain = format!("TXT {name}");
        let record = with_alias(&plain, alias);
        match self {
            Self::InPlace { says, spread } => format!("{record} {says} ({spread})"),
            Self::Withheld { says, spread, problem } => format!("{record} {says} ({spread}), but {problem}"),
            Self::NotEverywhere { says, spread } => format!("{record} {says} {spread}"),
            Self::Wrong { wrong, server } => format!("{record} {wrong} (at {server})"),
            Self::Unrelated { servers } => format!("{record}: no TXT record at {servers}"),
            Self::Wildcard(wildcard) => wildcard.text(name, &plain, "TXT"),
            Self::Absent { problem } => format!("{record}: {problem}"),
        }
    }
}

impl Wildcard {
    /// A name that has a record, or has one below it, is no longer covered by the wildcard (RFC 4592 §2.2.2): so the
    /// domain itself may lose what it gets from the wildcard.
    pub(super) fn text(&self, name: &str, record: &str, kind: &str) -> String {
        let Self { owner, target, parent } = self;
        let mut text = format!(
            "{record}: the wildcard {owner} (CNAME to {target}) answers for it; a {kind} record at {name} itself ends that"
        );
        if let Some((_, domain)) = name.split_once('.').filter(|(_, domain)| domain != parent) {
            text.push_str(&format!(
                ", and {domain} then needs a CNAME to {target} of its own, since {owner} no longer answers for it either"
            ));
        }
        text
    }
}

impl fmt::Display for Says {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsExpected => f.write_str("is as expected"),
            Self::Trusts(account_uri) => write!(f, "trusts {account_uri}"),
        }
    }
}

impl fmt::Display for WrongTxt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { found, more, expected } => {
                let mut values: Vec<String> = found.iter().map(|value| format!("\"{value}\"")).collect();
                if *more > 0 {
                    values.push(format!("{more} more"));
                }
                write!(f, "is {}, expected \"{expected}\"", values.join(", "))
            }
            Self::Persist { mismatch, expected } => f.write_str(&mismatch.explain(expected)),
        }
    }
}

pub(super) fn with_alias(record: &str, alias: Option<&str>) -> String {
    match alias {
        Some(alias) => format!("{record} (CNAME to {alias})"),
        None => record.to_owned(),
    }
}
