//! The check from outside: whether one can be asked for, how far it is, and what was seen.

mod words;

use time::{Duration, OffsetDateTime};

use super::Page;
use super::facts::OutsideFacts;
use super::names::Name;
use crate::outside::{AGAIN_AFTER, Checked, CheckedDomain, GONE_AFTER, MOST_ATTEMPTS};
use crate::status::words::{clock, moment};

/// A check that can be asked for so soon has its button already: the page may be open for longer than that.
const SOON: Duration = Duration::seconds(10);
/// Whoever does checks takes one within moments.
const TAKEN_WITHIN: Duration = Duration::seconds(30);

/// The check from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideCheck {
    /// There is a button for it.
    pub is_offered: bool,
    /// One is under way.
    pub is_under_way: bool,
    /// How far it is, or when it can be asked for.
    pub says: Option<String>,
    /// What was seen last.
    pub seen: Option<OutsideSeen>,
}

/// What was seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideSeen {
    /// When.
    pub at: String,
    /// The domains that were looked at.
    pub domains: Vec<OutsideDomain>,
    /// That there are more.
    pub more: Option<String>,
}

/// What was seen at a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideDomain {
    /// The domain.
    pub name: Name,
    /// It is served as it should be.
    pub is_served: bool,
    /// What to do, or that nothing is to be done.
    pub says: String,
    /// Each thing that was seen.
    pub each: Vec<String>,
}

impl OutsideDomain {
    /// In a word or two.
    pub fn label(&self) -> &'static str {
        match self.is_served {
            true => "Served",
            false => "Not as it should be",
        }
    }
}

/// How far a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nobody has taken it, which takes a moment.
    Asked,
    /// Nobody has taken it, though that takes a moment only.
    Untaken,
    /// Somebody does it.
    Taken,
    /// Whoever took it is gone; somebody else takes it.
    TakenAgain,
    /// All who took it are gone.
    GivenUp,
    /// It is done.
    Done,
}

impl Stage {
    fn of(check: &OutsideFacts, now: OffsetDateTime) -> Self {
        let is_taken_lately = |taken_at| now - taken_at <= GONE_AFTER;
        match (check.done_at, check.taken_at) {
            (Some(_), _) => Self::Done,
            (None, None) if now - check.asked_at < TAKEN_WITHIN => Self::Asked,
            (None, None) => Self::Untaken,
            (None, Some(taken_at)) if is_taken_lately(taken_at) => Self::Taken,
            (None, Some(_)) if check.attempts < MOST_ATTEMPTS => Self::TakenAgain,
            (None, Some(_)) => Self::GivenUp,
        }
    }

    fn is_under_way(self) -> bool {
        !matches!(self, Self::GivenUp | Self::Done)
    }
}

impl Page {
    /// The check from outside. There is none where nothing is to lead to the distribution.
    pub fn outside(&self) -> OutsideCheck {
        let now = self.status.now;
        let is_of_use = !self.distribution().aliases.is_empty();
        let Some(check) = self.facts.outside.as_ref().filter(|_| is_of_use) else {
            return OutsideCheck {
                is_offered: is_of_use,
                is_under_way: false,
                says: None,
                seen: None,
            };
        };
        let stage = Stage::of(check, now);
        let again_at = check.asked_at + AGAIN_AFTER;
        OutsideCheck {
            is_offered: again_at <= now + SOON,
            is_under_way: stage.is_under_way(),
            says: says(check, stage, now),
            seen: check.result.as_ref().map(OutsideSeen::of),
        }
    }
}

fn says(check: &OutsideFacts, stage: Stage, now: OffsetDateTime) -> Option<String> {
    let asked = format!("Asked for at {}", clock(check.asked_at, now));
    let again_at = check.asked_at + AGAIN_AFTER;
    Some(match stage {
        Stage::Asked => format!("{asked}: it begins in a moment."),
        Stage::Untaken => format!(
            "{asked}, but no process of the broker has taken it yet. It is done as soon as one does; if that takes long, tell the broker's \
             operator. Nothing else waits for it."
        ),
        Stage::Taken => format!("{asked}: the domains are being looked at."),
        Stage::TakenAgain => {
            format!("{asked}: whoever looked at the domains has not finished. They are looked at again.")
        }
        Stage::GivenUp => format!(
            "{asked}, but it could not be done. Ask for another one; if that comes to nothing, too, the broker's operator finds the cause in \
             the log."
        ),
        Stage::Done if again_at > now => format!("It can be asked for again from {} on.", clock(again_at, now)),
        Stage::Done if check.result.is_none() => {
            format!("{asked}, and done, but what was seen can't be shown. Ask for another one.")
        }
        Stage::Done => return None,
    })
}

impl OutsideSeen {
    fn of(check: &Checked) -> Self {
        let looked_at = check.domains.len();
        let more = check.next.as_ref().map(|next| {
            format!(
                "{looked_at} of {} domains were looked at. The next check begins at {next}.",
                check.of
            )
        });
        Self {
            at: moment(check.at),
            domains: check.domains.iter().map(|one| domain(one, check)).collect(),
            more,
        }
    }
}

fn domain(one: &CheckedDomain, check: &Checked) -> OutsideDomain {
    OutsideDomain {
        name: Name::of(&one.facts.domain),
        is_served: one.problem.is_none(),
        says: words::conclusion(one, check),
        each: words::each(&one.facts, check),
    }
}

#[cfg(test)]
mod tests;
