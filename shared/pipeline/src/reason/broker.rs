//! How the broker itself keeps a step from being done.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The broker itself is the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "broker", rename_all = "kebab-case")]
pub enum BrokerReason {
    /// An error that only the operator can fix; the log has its cause.
    Internal,
    /// The attempt was aborted at its time limit.
    Overran {
        /// The limit.
        #[serde(with = "super::millis", rename = "limit_ms")]
        limit: Duration,
    },
    /// The order's challenges were not recorded yet.
    NoChallengesYet,
    /// A value of the broker's own zone is being removed for another order, and may be written when that is over.
    ValueBeingRemoved,
    /// The DNS server has accepted the values, and passes them on to its replicas.
    ValueSpreading,
    /// A reason in a form that a newer version wrote.
    UnknownForm,
}

/// The only wording for internal errors that the user is shown.
pub const INTERNAL: &str = "an error inside the broker, which its operator finds in the log";

impl BrokerReason {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Internal => "broker-internal",
            Self::Overran { .. } => "broker-overran",
            Self::NoChallengesYet => "broker-no-challenges-yet",
            Self::ValueBeingRemoved => "broker-value-being-removed",
            Self::ValueSpreading => "broker-value-spreading",
            Self::UnknownForm => "broker-unknown-form",
        }
    }
}

impl fmt::Display for BrokerReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internal => f.write_str(INTERNAL),
            Self::Overran { limit } => write!(f, "the attempt took longer than {limit:?}"),
            Self::NoChallengesYet => f.write_str("the order's challenges are not known yet"),
            Self::ValueBeingRemoved => f.write_str("the value of an earlier order is being removed first"),
            Self::ValueSpreading => f.write_str("the broker's DNS servers pass the values on"),
            Self::UnknownForm => f.write_str("a newer version of the broker knows why"),
        }
    }
}
