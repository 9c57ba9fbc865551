//! Why a step waits, as facts. Handlers return them, the store keeps them as JSON ([`stored`]), and all consumers read
//! the same facts: the status text, `cdnctl`, logs and metrics. The wording is created here when a reason is read; no
//! decision ever depends on it.

mod aws;
mod broker;
mod ca;
mod caa;
mod delegation;
mod dns;
mod dns_write;
#[cfg(test)]
pub(crate) mod examples;
mod http;
mod look;
mod memory;
mod millis;
mod spent;
mod spread;
pub mod stored;
mod txt;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use aws::{AwsReason, Peer};
pub use broker::{BrokerReason, INTERNAL};
pub use ca::{CaReason, Request};
pub use caa::CaaForbids;
pub use delegation::Delegation;
pub use dns::{DnsProblem, Links, LookupFailure};
pub use dns_write::DnsWriteProblem;
pub use http::{HttpFailure, HttpInPlace, HttpProblem, Redirected, Refusal};
pub use look::{Look, Seen, Way};
pub use memory::{Asked, Memory};
pub use spent::{During, Spent};
pub use spread::{Behind, Instead, Spread};
pub use txt::{Says, Txt, Wildcard, WrongTxt};

/// Why a step is not done yet, or (`Spent`) why it was done in vain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Reason {
    /// The result of the last probe of a domain.
    Look(Box<Look>),
    /// The CA.
    Ca(CaReason),
    /// CloudFront or IAM.
    Aws(AwsReason),
    /// The order can't lead to a certificate any more.
    Spent(Spent),
    /// The broker's own DNS zone.
    DnsWrite(DnsWriteProblem),
    /// The broker itself.
    Broker(BrokerReason),
    /// Text that an earlier version wrote; nothing else is known.
    Told {
        /// The text.
        text: String,
    },
}

impl Reason {
    /// A short name for metrics and logs: one of a few dozen.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Look(look) => look.name(),
            Self::Ca(ca) => ca.name(),
            Self::Aws(aws) => aws.name(),
            Self::Spent(_) => "order-spent",
            Self::DnsWrite(problem) => problem.name(),
            Self::Broker(broker) => broker.name(),
            Self::Told { .. } => "told",
        }
    }

    /// The probe that it is about.
    pub fn look(&self) -> Option<&Look> {
        match self {
            Self::Look(look) => Some(look),
            _ => None,
        }
    }

    /// The step can't continue before the user has done something (apart from probes of domains, which say so
    /// themselves).
    pub fn waits_for_user(&self) -> bool {
        matches!(self, Self::Aws(aws) if aws.waits_for_user())
    }

    /// It says no more than what the step does.
    pub fn is_usual(&self) -> bool {
        matches!(
            self,
            Self::Aws(AwsReason::Deploying) | Self::Ca(CaReason::Validating | CaReason::Issuing)
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Look(look) => look.fmt(f),
            Self::Ca(ca) => ca.fmt(f),
            Self::Aws(aws) => aws.fmt(f),
            Self::Spent(spent) => spent.fmt(f),
            // The details are the operator's: the log and the JSON form have them.
            Self::DnsWrite(problem) => f.write_str(match problem.is_for_the_operator() {
                true => "the broker's own DNS server refuses changes: the broker's operator must fix it",
                false => "the broker's own DNS server can't be changed at present",
            }),
            Self::Broker(broker) => broker.fmt(f),
            Self::Told { text } => f.write_str(text),
        }
    }
}

impl From<Look> for Reason {
    fn from(look: Look) -> Self {
        Self::Look(Box::new(look))
    }
}

impl From<CaReason> for Reason {
    fn from(ca: CaReason) -> Self {
        Self::Ca(ca)
    }
}

impl From<AwsReason> for Reason {
    fn from(aws: AwsReason) -> Self {
        Self::Aws(aws)
    }
}

impl From<Spent> for Reason {
    fn from(spent: Spent) -> Self {
        Self::Spent(spent)
    }
}

impl From<DnsWriteProblem> for Reason {
    fn from(problem: DnsWriteProblem) -> Self {
        Self::DnsWrite(problem)
    }
}

impl From<BrokerReason> for Reason {
    fn from(broker: BrokerReason) -> Self {
        Self::Broker(broker)
    }
}
