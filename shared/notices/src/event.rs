//! What there is to be told.

use std::fmt;
use std::str::FromStr;

/// A kind of notice, by the name that the parameter `notify` has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A user has to act, or an operation does not get done.
    Todo,
    /// An operation of the user's is done.
    Done,
    /// An operation of the user's has failed.
    Failed,
    /// A certificate can't be renewed, and its end comes near.
    Trouble,
    /// A domain has gone to another instance, is about to, or nothing proves it any more.
    Domain,
    /// A certificate was renewed.
    Replaced,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Todo,
        Self::Done,
        Self::Failed,
        Self::Trouble,
        Self::Domain,
        Self::Replaced,
    ];
    /// Those that are told when the user names none: a renewal is what is expected.
    pub const DEFAULT: [Self; 5] = [Self::Todo, Self::Done, Self::Failed, Self::Trouble, Self::Domain];

    /// Its name in parameters, SQL and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Todo => "todo",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Trouble => "trouble",
            Self::Domain => "domain",
            Self::Replaced => "replaced",
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// There is no event of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no event {0:?}")]
pub struct UnknownEvent(pub String);

impl FromStr for Event {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, UnknownEvent> {
        let found = Self::ALL.into_iter().find(|event| event.as_str() == text);
        found.ok_or_else(|| UnknownEvent(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_name_and_a_renewal_is_not_told_unasked() {
        for event in Event::ALL {
            assert_eq!(event.as_str().parse(), Ok(event));
            assert_eq!(Event::DEFAULT.contains(&event), event != Event::Replaced, "{event}");
        }
        assert!("Done".parse::<Event>().is_err() && "".parse::<Event>().is_err());
    }
}
