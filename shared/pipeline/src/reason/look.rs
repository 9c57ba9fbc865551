//! The result of one probe of a domain.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{CaaForbids, Delegation, HttpFailure, HttpInPlace, HttpProblem, Memory, Txt};
use crate::proof::{Method, Place};
use crate::shown;

/// The result of one probe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// The challenge type whose proof is in place.
    pub in_place: Option<Method>,
    /// Why the CA may not issue nevertheless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forbidden: Option<CaaForbids>,
    /// One per challenge type that has a result, in the order of preference.
    pub ways: Vec<Way>,
    /// Another instance has the domain so far, and its proof can't be seen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub contested: bool,
    /// The domain's servers made the probe run into its time limit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub slow: bool,
    /// How long the proof has to be in place before the CA is asked to validate (`PROP_DELAY`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settles_ms: Option<u64>,
    /// Where it found its answers. Programs that don't know it ignore it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
}

/// The result for one challenge type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Way {
    /// The challenge type.
    pub method: Method,
    /// Where it was looked for.
    pub place: Place,
    /// What was seen.
    pub seen: Seen,
}

/// The result for a challenge type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "kebab-case")]
pub enum Seen {
    /// The probe returned no result in time.
    NoAnswer {
        /// The limit.
        #[serde(with = "super::millis", rename = "within_ms")]
        within: Duration,
    },
    /// A TXT record.
    Txt {
        /// The target of its CNAMEs.
        alias: Option<String>,
        /// The result.
        found: Txt,
    },
    /// A CNAME to the broker's zone.
    Delegation(Delegation),
    /// The file is in place at every address.
    HttpInPlace(HttpInPlace),
    /// The file is not in place at every address.
    HttpFailure(HttpFailure),
}

impl Look {
    /// The challenge type that the CA is to be asked to validate.
    pub fn ready(&self) -> Option<Method> {
        self.in_place.filter(|_| self.forbidden.is_none())
    }

    /// Proved, except that CAA records forbid the CA to issue.
    pub fn is_held_by_caa(&self) -> bool {
        self.in_place.is_some() && self.forbidden.is_some()
    }

    /// The tenant has done their part by a CNAME, and the broker has yet to publish the CA's value.
    pub fn waits_for_the_broker(&self) -> bool {
        self.in_place.is_none() && self.forbidden.is_none() && self.ways.iter().any(Way::waits_for_the_broker)
    }

    /// The broker's name servers that have yet to get the value for the CA, which others have.
    pub fn lagging(&self) -> impl Iterator<Item = &str> {
        self.ways.iter().flat_map(|way| match &way.seen {
            Seen::Delegation(delegation) => delegation.lagging(),
            _ => Vec::new(),
        })
    }

    /// The value in the broker's zone was seen from here, and has yet to reach every replica of its servers.
    /// Whether it is at the target of the tenant's CNAME.
    pub fn wait_for_replicas(&mut self) -> bool {
        let waits = self.ways.iter_mut().any(|way| match &mut way.seen {
            Seen::Delegation(delegation) => delegation.wait_for_replicas(),
            _ => false,
        });
        // The value itself may stand at the challenge's name, without a CNAME.
        if waits {
            self.in_place = None;
        }
        waits
    }

    /// No way proves the domain, and that is certain: each was answered.
    pub fn is_gone(&self) -> bool {
        !self.ways.is_empty() && self.ways.iter().all(Way::is_gone)
    }

    /// Nothing wrong was seen; the records are just not set yet.
    pub fn is_plain_absence(&self) -> bool {
        let wrong = self.in_place.is_some() || self.forbidden.is_some() || self.contested || self.slow;
        !wrong && !self.ways.is_empty() && !self.ways.iter().any(Way::is_begun)
    }

    pub(super) fn name(&self) -> &'static str {
        match () {
            () if self.is_held_by_caa() => "look-held-by-caa",
            () if self.contested => "look-contested",
            () if self.in_place.is_some() => "look-in-place",
            () if self.waits_for_the_broker() => "look-unpublished",
            () if self.slow => "look-slow",
            () if self.is_plain_absence() => "look-absent",
            () => "look-wrong",
        }
    }

    /// The proof alone, without what keeps it from counting.
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
            none if none.is_empty() => "nothing to check: the order offers no way to verify the domain".to_owned(),
            all => format!("nothing found yet: {all}"),
        }
    }
}

impl fmt::Display for Look {
    /// One line: what forbids the CA to issue, what is in place, what is set but wrong, or that nothing is set yet.
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
            f.write_str("; the check ran into its time limit, so the next one comes later than usual")?;
        }
        Ok(())
    }
}

fn joined<'a>(ways: impl Iterator<Item = &'a Way>) -> String {
    ways.map(Way::to_string).collect::<Vec<_>>().join("; ")
}

impl Way {
    /// Whether the CA would accept it.
    pub fn is_in_place(&self) -> bool {
        match &self.seen {
            Seen::Txt { found, .. } => matches!(found, Txt::InPlace { .. }),
            Seen::Delegation(delegation) => delegation.is_in_place(),
            Seen::HttpInPlace(_) => true,
            Seen::NoAnswer { .. } | Seen::HttpFailure(_) => false,
        }
    }

    /// The tenant has done their part, and the broker's own part is missing.
    fn waits_for_the_broker(&self) -> bool {
        matches!(&self.seen, Seen::Delegation(delegation) if delegation.waits_for_the_broker())
    }

    fn is_gone(&self) -> bool {
        match &self.seen {
            Seen::Txt { found, .. } => found.is_gone(),
            Seen::Delegation(delegation) => delegation.is_gone(),
            Seen::NoAnswer { .. } | Seen::HttpInPlace(_) | Seen::HttpFailure(_) => false,
        }
    }

    /// Whether it shows that the tenant controls the domain at present, even if the CA could not validate it now.
    pub fn shows_control(&self) -> bool {
        matches!(&self.seen, Seen::Delegation(delegation) if delegation.shows_control()) || self.is_in_place()
    }

    /// What shows that the tenant controls the domain, in words for others than the tenant.
    pub fn control(&self) -> String {
        match &self.seen {
            Seen::Delegation(delegation) => delegation.control(self.place.name()),
            _ => self.to_string(),
        }
    }

    /// Something is set, but wrong: somebody has started with this challenge type, so it is reported first.
    pub fn is_begun(&self) -> bool {
        match &self.seen {
            Seen::NoAnswer { .. } => false,
            Seen::Txt { alias, found } => found.is_begun(alias.as_deref()),
            Seen::Delegation(delegation) => delegation.is_begun(),
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
            Seen::Delegation(delegation) => f.write_str(&delegation.text(place.name())),
            Seen::HttpInPlace(seen) => seen.fmt(f),
            Seen::HttpFailure(failure) => failure.fmt(f),
        }
    }
}
