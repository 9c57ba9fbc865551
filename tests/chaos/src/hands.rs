//! Domains that are transferred, or must not be: pure functions of the seed, mixed with the other
//! [`jobs`](crate::jobs).

use crate::jobs::{Change, Course, Job, Way, jobs};
use crate::random::Random;

/// After this many instances with their own domains, there are two that request the same domain.
const EVERY: usize = 3;
/// The organizations that request the domain after another one had it.
const ORGANIZATIONS: u64 = 30;

/// What happens to a domain that an instance has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// Its proof disappears, and another organization proves it: it is transferred after the grace period.
    Goes,
    /// Its proof stays, and another organization proves it as well: the latter is refused.
    Stays,
    /// Its instance is deleted, and its organization creates another one immediately.
    Again,
    /// Its proof stays, and another organization's instance, which serves a domain already, is updated to request it,
    /// too: nothing changes.
    Reaches,
}

impl Turn {
    const ALL: [Self; 4] = [Self::Goes, Self::Stays, Self::Again, Self::Reaches];

    /// The name in the report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Goes => "its proof went, another's came",
            Self::Stays => "another asked, its proof stayed",
            Self::Again => "deleted and created in one breath",
            Self::Reaches => "another's update asked, its proof stayed",
        }
    }
}

/// Two instances, one after the other, that request the same domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandOver {
    /// What happens in between.
    pub turn: Turn,
    /// The domain.
    pub domain: String,
    /// The instance that has it first.
    pub first: Job,
    /// The instance that requests it then.
    pub second: Job,
}

impl HandOver {
    /// The number of operations before the end of the run.
    pub fn operations(&self) -> usize {
        let removals = usize::from(self.turn == Turn::Again);
        self.first.operations() + self.second.operations() + removals
    }

    /// The instance that has the domain in the end: the one that could prove it.
    pub fn owner(&self) -> &str {
        match self.turn {
            Turn::Goes | Turn::Again => &self.second.id,
            Turn::Stays | Turn::Reaches => &self.first.id,
        }
    }

    /// A domain that the second one has in addition, and keeps.
    pub fn besides(&self) -> Option<&str> {
        let own = self.second.domains.first()?;
        (own.0 != self.domain).then_some(own.0.as_str())
    }
}

/// The next thing to request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// An instance with its own domains.
    Job(Job),
    /// Two instances that request the same domain.
    HandOver(Box<HandOver>),
}

impl Errand {
    /// The number of operations before the end of the run.
    pub fn operations(&self) -> usize {
        match self {
            Self::Job(job) => job.operations(),
            Self::HandOver(hand_over) => hand_over.operations(),
        }
    }
}

/// An infinite sequence of errands.
pub fn errands(seed: u64) -> impl Iterator<Item = Errand> {
    let mut jobs = jobs(seed).map(Errand::Job);
    let mut hand_overs = hand_overs(seed).map(|one| Errand::HandOver(Box::new(one)));
    (1_usize..).map_while(move |number| match number.is_multiple_of(EVERY + 1) {
        true => hand_overs.next(),
        false => jobs.next(),
    })
}

fn hand_overs(seed: u64) -> impl Iterator<Item = HandOver> {
    let mut random = Random::new(seed, "hand-overs");
    (0_u64..).map(move |number| {
        let turn = Turn::ALL[usize::try_from((seed ^ number) % 4).unwrap_or(0)];
        let domain = format!("d.hand{number:04}.example.com");
        let organizations = [random.between(1, ORGANIZATIONS), random.between(1, ORGANIZATIONS - 1)];
        let organization = |number: u64| format!("organization-{number}");
        let first = organization(organizations[0]);
        let second = match turn {
            Turn::Again => first.clone(),
            _ => organization((organizations[0] + organizations[1] - 1) % ORGANIZATIONS + 1),
        };
        let job = |name: &str, organization: String, domains: Vec<(String, Way)>, change| Job {
            id: format!("chaos-{seed}-hand-{number:04}-{name}"),
            organization,
            domains,
            change,
            course: Course::Keep,
        };
        let wanted = match turn {
            Turn::Goes | Turn::Again => (domain.clone(), Way::Persist),
            Turn::Stays | Turn::Reaches => (domain.clone(), Way::PersistBeside),
        };
        let second = match turn {
            Turn::Reaches => {
                let own = (format!("own.hand{number:04}.example.com"), Way::Persist);
                job("second", second, vec![own], Some(Change::Domain(wanted.0, wanted.1)))
            }
            _ => job("second", second, vec![wanted], None),
        };
        HandOver {
            turn,
            first: job("first", first, vec![(domain.clone(), Way::Persist)], None),
            second,
            domain,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_has_one_list_with_every_turn_in_a_short_run() {
        let of = |seed| hand_overs(seed).take(40).collect::<Vec<_>>();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        for seed in 1..5 {
            let mut turns: Vec<Turn> = hand_overs(seed).take(4).map(|one| one.turn).collect();
            turns.sort_unstable();
            assert_eq!(turns, Turn::ALL, "seed {seed}");
        }
        for one in of(7) {
            let same = one.first.organization == one.second.organization;
            assert_eq!(same, one.turn == Turn::Again, "{one:?}");
            let wanted = one.second.changed();
            assert!(
                wanted.domains.iter().any(|(domain, _)| *domain == one.domain),
                "{one:?}"
            );
            assert_eq!(one.besides().is_some(), one.turn == Turn::Reaches);
        }
    }

    #[test]
    fn the_jobs_are_those_that_there_were_before() {
        let jobs: Vec<Job> = jobs(3).take(9).collect();
        let errands: Vec<Errand> = errands(3).take(12).collect();
        let among: Vec<Job> = errands
            .into_iter()
            .filter_map(|errand| match errand {
                Errand::Job(job) => Some(job),
                Errand::HandOver(_) => None,
            })
            .collect();
        assert_eq!(among, jobs);
    }
}
