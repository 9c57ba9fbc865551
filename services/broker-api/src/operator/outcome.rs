//! What came of an action: the instance's page says it. Its address has the outcome's name and nothing else, so whoever makes up an address can
//! choose among these.

use crate::operator::address;

/// What came of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Retried,
    AllHeld,
    NothingWaits,
    RenewalBegun,
    AtWork,
    NoCertificate,
    Removed,
    Cancelled,
    GivenUp,
    NothingRuns,
    Removal,
    NoReason,
    Released,
    NotHeld,
    NewLink,
    NoPages,
}

impl Outcome {
    const ALL: [Self; 16] = [
        Self::Retried,
        Self::AllHeld,
        Self::NothingWaits,
        Self::RenewalBegun,
        Self::AtWork,
        Self::NoCertificate,
        Self::Removed,
        Self::Cancelled,
        Self::GivenUp,
        Self::NothingRuns,
        Self::Removal,
        Self::NoReason,
        Self::Released,
        Self::NotHeld,
        Self::NewLink,
        Self::NoPages,
    ];

    /// Its name in addresses and in the log.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Retried => "retried",
            Self::AllHeld => "all-held",
            Self::NothingWaits => "nothing-waits",
            Self::RenewalBegun => "renewal-begun",
            Self::AtWork => "at-work",
            Self::NoCertificate => "no-certificate",
            Self::Removed => "removed",
            Self::Cancelled => "cancelled",
            Self::GivenUp => "given-up",
            Self::NothingRuns => "nothing-runs",
            Self::Removal => "removal",
            Self::NoReason => "no-reason",
            Self::Released => "released",
            Self::NotHeld => "not-held",
            Self::NewLink => "new-link",
            Self::NoPages => "no-pages",
        }
    }

    /// The one with that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }

    /// Where a browser reads it.
    pub(super) fn address(self, instance: &str) -> String {
        address::with(&address::instance(instance), &[("told", self.name())])
    }

    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Retried => "What waits is due now: the sweepers start it within SWEEP_INTERVAL (15 s).",
            Self::AllHeld => "Nothing was retried: every domain that waits is held after the CA rejected it.",
            Self::NothingWaits => "Nothing waits: no operation runs, and no renewal is held.",
            Self::RenewalBegun => "A renewal has started.",
            Self::AtWork => "Nothing was started: another operation runs.",
            Self::NoCertificate => "Nothing was started: the instance has no certificate that could be renewed.",
            Self::Removed => "Nothing was done: the instance was removed, or its removal has begun.",
            Self::Cancelled => "The operation has failed, and its user reads why.",
            Self::GivenUp => "The renewal is given up; the next one is due in an hour.",
            Self::NothingRuns => "Nothing was cancelled: no such operation runs any more.",
            Self::Removal => {
                "A removal can't be cancelled: half of it may be done already. Fix what it waits for, then retry it."
            }
            Self::NoReason => {
                "Nothing was cancelled: the user has to read a reason, one line of at most 500 characters."
            }
            Self::Released => "The domain no longer belongs to this instance: the next one that proves it gets it.",
            Self::NotHeld => "Nothing was released: this instance does not have that domain.",
            Self::NewLink => "The status page has another link, and the one before it has ended.",
            Self::NoPages => "There are no status pages: PAGES_URL is not set.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_can_say_what_came_of_it_and_nothing_else() {
        for outcome in Outcome::ALL {
            let address = outcome.address("a b");
            let (path, name) = address.split_once("?told=").unwrap();
            assert_eq!((path, Outcome::named(name)), ("/instances/a%20b", Some(outcome)));
        }
        for other in ["", "Retried", "<script>"] {
            assert_eq!(Outcome::named(other), None, "{other}");
        }
    }
}
