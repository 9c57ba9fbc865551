//! Which part of a domain is looked at in which attempt, between looks at everything. It follows from the number of the attempt, so that
//! nothing has to be counted or stored.

use std::time::Duration;

use uuid::Uuid;

const FIRST_HOUR: Duration = Duration::from_secs(3600);
/// Looks of the first hour are a minute apart at most …
const IN_FIRST_HOUR: Every = Every { whole: 20, resolves: 4 };
/// … and later ones up to five minutes: three more of them are too long for a web server that has moved.
const LATER: Every = Every { whole: 6, resolves: 1 };

/// One of so many looks is such a one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Every {
    whole: u64,
    resolves: u64,
}

/// One look's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    number: u64,
    every: Every,
}

impl Turn {
    /// The turn of an attempt at a step that was created `age` ago. The steps of one operation begin at different places, so that their
    /// whole looks are spread.
    pub fn of(step: Uuid, attempt: i32, age: Duration) -> Self {
        let (_, phase) = step.as_u64_pair();
        let attempt = u64::try_from(attempt).unwrap_or(0);
        Self {
            number: (phase % 1_000_000).saturating_add(attempt),
            every: match age < FIRST_HOUR {
                true => IN_FIRST_HOUR,
                false => LATER,
            },
        }
    }

    /// Whether everything is looked at.
    pub fn is_whole(self) -> bool {
        self.number.is_multiple_of(self.every.whole)
    }

    /// Whether the web server's addresses are looked up again.
    pub fn resolves(self) -> bool {
        self.number.is_multiple_of(self.every.resolves)
    }

    /// Which of so many is asked: another one at each turn, and for each slot. 0 where there is none.
    pub fn place(self, slot: usize, of: usize) -> usize {
        let turn = usize::try_from(self.number).unwrap_or(0);
        turn.saturating_add(slot).checked_rem(of).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGES: [(Duration, Every); 2] = [(Duration::ZERO, IN_FIRST_HOUR), (FIRST_HOUR, LATER)];

    /// One after the other, of steps that begin at different places.
    fn turns(age: Duration) -> impl Iterator<Item = Vec<Turn>> {
        (0..60).map(move |phase| {
            let turn = |attempt| Turn::of(Uuid::from_u128(phase), attempt, age);
            (1..100).map(turn).collect()
        })
    }

    #[test]
    fn every_server_within_its_number_of_looks_and_the_whole_in_time() {
        for (age, every) in AGES {
            let whole = usize::try_from(every.whole).unwrap();
            for turns in turns(age) {
                for run in turns.windows(whole) {
                    let number = run.iter().filter(|turn| turn.is_whole()).count();
                    assert_eq!(number, 1, "{run:?}");
                }
                for (servers, slot) in (1..=8).flat_map(|servers| [0, 1].map(|slot| (servers, slot))) {
                    for run in turns.windows(servers) {
                        let seen: Vec<usize> = run.iter().map(|turn| turn.place(slot, servers)).collect();
                        assert!((0..servers).all(|one| seen.contains(&one)), "{run:?}: {seen:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn two_names_are_asked_of_different_servers() {
        for turn in turns(Duration::ZERO).flatten() {
            assert_ne!(turn.place(0, 2), turn.place(1, 2));
            assert_eq!((turn.place(0, 1), turn.place(0, 0)), (0, 0));
        }
    }

    #[test]
    fn addresses_are_looked_up_every_fourth_time_and_each_time_after_an_hour() {
        for (age, looks) in [(Duration::ZERO, 4), (FIRST_HOUR, 1)] {
            for turns in turns(age) {
                for run in turns.windows(looks) {
                    assert_eq!(run.iter().filter(|turn| turn.resolves()).count(), 1, "{run:?}");
                }
            }
        }
    }

    #[test]
    fn the_whole_looks_of_an_operation_are_spread() {
        let step = |last: u128| Uuid::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0000_0000 + last);
        let at_once = (0..20).filter(|&last| Turn::of(step(last), 7, Duration::ZERO).is_whole());
        assert_eq!(at_once.count(), 1);
    }
}
