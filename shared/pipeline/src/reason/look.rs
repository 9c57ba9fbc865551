//! What one look at a domain saw.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{CaaForbids, HttpFailure, HttpInPlace, HttpProblem, Txt};
use crate::proof::{Method, Place};
use crate::shown;

/// What one look saw.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// The way that is in place.
    pub in_place: Option<Method>,
    /// Why the CA may not issue all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forbidden: Option<CaaForbids>,
    /// One per way that has answered, in the order of preference.
    pub ways: Vec<Way>,
    /// Another instance has the domain so far, and its proof can't be seen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub contested: bool,
    /// Servers of the domain let the look run into its time limit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub slow: bool,
    /// How long it has to be in place before the CA is told (`PROP_DELAY`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settles_ms: Option<u64>,
}

/// What was seen on one way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Way {
    /// The way.
    pub method: Method,
    /// Where it was looked for.
    pub place: Place,
    /// What was seen.
    pub seen: Seen,
}

/// What was seen on a way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "kebab-case")]
pub enum Seen {
    /// It came to nothing in time.
    NoAnswer {
        /// The limit.
        #[serde(with = "super::millis", rename = "within_ms")]
        within: Duration,
    },
    /// A TXT record.
    Txt {
        /// Where its CNAMEs lead.
        alias: Option<String>,
        /// What is there.
        found: Txt,
    },
    /// The file, everywhere.
    HttpInPlace(HttpInPlace),
    /// The file, not everywhere.
    HttpFailure(HttpFailure),
}

impl Look {
    /// The way that the CA is to be told to use.
    pub fn ready(&self) -> Option<Method> {
        self.in_place.filter(|_| self.forbidden.is_none())
    }

    /// Proved, but for CAA records that forbid the CA to issue.
    pub fn is_held_by_caa(&self) -> bool {
        self.in_place.is_some() && self.forbidden.is_some()
    }

    /// Nothing wrong was seen, there is just nothing there yet.
    pub fn is_plain_absence(&self) -> bool {
        let wrong = self.in_place.is_some() || self.forbidden.is_some() || self.contested || self.slow;
        !wrong && !self.ways.is_empty() && !self.ways.iter().any(Way::is_begun)
    }

    pub(super) fn name(&self) -> &'static str {
        match () {
            () if self.is_held_by_caa() => "look-held-by-caa",
            () if self.contested => "look-contested",
            () if self.in_place.is_some() => "look-in-place",
            () if self.slow => "look-slow",
            () if self.is_plain_absence() => "look-absent",
            () => "look-wrong",
        }
    }

    /// Without what keeps a way that is in place from counting.
    pub fn proof(&self) -> String {
        if let Some(method) = self.in_place {
            let way = self.ways.iter().find(|way| way.method == method);
            let text = way.map(Way::to_string).unwrap_or_default();
            return format!("{}: {text}", method.as_str());
        }
        let wrong = joined(self.ways.iter().filter(|way| way.is_begun()));
        if !wrong.is_empty() {
            return wrong;
        }
        match joined(self.ways.iter()) {
            none if none.is_empty() => "nothing to look for: the order offers no way to verify the domain".to_owned(),
            all => format!("nothing found yet: {all}"),
        }
    }
}

impl fmt::Display for Look {
    /// One line: what forbids the CA to issue, what is in place, what is there but wrong, or that there is nothing yet.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const OTHERS: &str = "another service instance has the domain so far, and its proof can't be seen";
        if let (Some(method), None) = (self.in_place, &self.forbidden) {
            let method = method.as_str();
            if self.contested {
                return write!(f, "it is in place by {method}; {OTHERS}");
            }
            if let Some(settles) = self.settles_ms {
                let settles = humantime::format_duration(Duration::from_secs(settles / 1000));
                return write!(
                    f,
                    "it is in place by {method}; waiting {settles}, a time that the operator has set"
                );
            }
        }
        if self.contested {
            write!(f, "{OTHERS}; ")?;
        }
        match (&self.forbidden, self.in_place) {
            (None, _) => f.write_str(&self.proof())?,
            (Some(forbidden), Some(method)) => write!(f, "it is proved by {}, but {forbidden}", method.as_str())?,
            (Some(forbidden), None) => write!(f, "{forbidden}; {}", self.proof())?,
        }
        if self.slow {
            f.write_str("; the look ran into its time limit, so the next one comes later than usual")?;
        }
        Ok(())
    }
}

fn joined<'a>(ways: impl Iterator<Item = &'a Way>) -> String {
    ways.map(Way::to_string).collect::<Vec<_>>().join("; ")
}

impl Way {
    /// Whether the CA would take it.
    pub fn is_in_place(&self) -> bool {
        match &self.seen {
            Seen::Txt { found, .. } => matches!(found, Txt::InPlace { .. }),
            Seen::HttpInPlace(_) => true,
            Seen::NoAnswer { .. } | Seen::HttpFailure(_) => false,
        }
    }

    /// Something is there, but wrong: somebody has begun on this way, so this is to be told first.
    pub fn is_begun(&self) -> bool {
        match &self.seen {
            Seen::NoAnswer { .. } => false,
            Seen::Txt { alias, found } => found.is_begun(alias.as_deref()),
            Seen::HttpInPlace(_) => true,
            Seen::HttpFailure(HttpFailure { in_place, wrong }) => {
                let of_a_client = |problem: &HttpProblem| {
                    matches!(
                        problem,
                        HttpProblem::Body {
                            other_account: true,
                            ..
                        }
                    )
                };
                !in_place.is_empty() || wrong.iter().any(|wrong| of_a_client(&wrong.problem))
            }
        }
    }
}

impl fmt::Display for Way {
    /// Which record, what was seen, what was expected, at which server.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = &self.place;
        match &self.seen {
            Seen::NoAnswer { within } => write!(f, "{place}: no answer within {}", shown::span(*within)),
            Seen::Txt { alias, found } => f.write_str(&found.text(place.name(), alias.as_deref())),
            Seen::HttpInPlace(seen) => seen.fmt(f),
            Seen::HttpFailure(failure) => failure.fmt(f),
        }
    }
}
