//! The times of the faults: a pure function of the seed.

use std::time::Duration;

use stack::Peer;

use crate::fault::{AwsFault, Fault};
use crate::random::Random;

/// A fault with its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// When it starts, from the start of the run.
    pub at: Duration,
    /// How long until it is lifted.
    pub lasts: Duration,
    /// The fault.
    pub fault: Fault,
}

/// The processes and links that faults can affect.
#[derive(Clone, Debug)]
pub struct Targets {
    /// Service processes.
    pub processes: Vec<String>,
    /// Process and peer; without a process: the shared link.
    pub links: Vec<(Option<String>, Peer)>,
}

/// Milliseconds, from … to …
type Range = (u64, u64);
type Draw = dyn Fn(&mut Random, &Targets) -> Fault;

/// One recurring kind of fault.
struct Rhythm {
    name: &'static str,
    /// The time of the first.
    first: Range,
    /// From the start of one to the start of the next.
    every: Range,
    lasts: Range,
    /// The maximum number.
    most: usize,
    draw: Box<Draw>,
}

/// All faults of a run of this length, in chronological order.
pub fn schedule(seed: u64, length: Duration, targets: &Targets) -> Vec<Planned> {
    let mut all = Vec::new();
    for rhythm in rhythms() {
        let mut random = Random::new(seed, rhythm.name);
        let mut at = Duration::from_millis(random.between(rhythm.first.0, rhythm.first.1));
        let mut left = rhythm.most;
        while at < length && left > 0 {
            let lasts = Duration::from_millis(random.between(rhythm.lasts.0, rhythm.lasts.1));
            let fault = (rhythm.draw)(&mut random, targets);
            all.push(Planned { at, lasts, fault });
            at += Duration::from_millis(random.between(rhythm.every.0, rhythm.every.1));
            left -= 1;
        }
    }
    all.sort_by_key(|planned| planned.at);
    all
}

fn rhythms() -> Vec<Rhythm> {
    const ANY: usize = usize::MAX;
    let link = |kind: fn(Option<String>, Peer, &mut Random) -> Fault| -> Box<Draw> {
        Box::new(move |random, targets| {
            let (process, peer) = random.pick(&targets.links).clone();
            kind(process, peer, random)
        })
    };
    let rhythm = |name, first, every, lasts, most, draw| Rhythm {
        name,
        first,
        every,
        lasts,
        most,
        draw,
    };
    let aws = |name, fault, first| {
        rhythm(
            name,
            first,
            (25_000, 60_000),
            (15_000, 40_000),
            ANY,
            Box::new(move |_: &mut Random, _: &Targets| Fault::Aws(fault)) as Box<Draw>,
        )
    };
    vec![
        rhythm(
            "kill",
            (2_000, 5_000),
            (2_500, 6_000),
            (300, 3_000),
            ANY,
            Box::new(|random, targets| Fault::Kill(random.pick(&targets.processes).clone())),
        ),
        // Longer than any attempt's time limit and than the sweeper's grace (see setup).
        rhythm(
            "freeze",
            (4_000, 10_000),
            (9_000, 18_000),
            (8_000, 14_000),
            ANY,
            Box::new(|random, targets| Fault::Freeze(random.pick(&targets.processes).clone())),
        ),
        rhythm(
            "rabbitmq killed",
            (15_000, 30_000),
            (60_000, 120_000),
            (500, 4_000),
            ANY,
            Box::new(|_, _| Fault::KillRabbitmq),
        ),
        rhythm(
            "rabbitmq stopped",
            (50_000, 75_000),
            (90_000, 150_000),
            (500, 4_000),
            ANY,
            Box::new(|_, _| Fault::StopRabbitmq),
        ),
        rhythm(
            "rabbitmq wiped",
            (8_000, 14_000),
            (35_000, 70_000),
            (0, 0),
            ANY,
            Box::new(|_, _| Fault::WipeRabbitmq),
        ),
        rhythm(
            "postgres",
            (20_000, 40_000),
            (40_000, 80_000),
            (300, 4_000),
            ANY,
            Box::new(|_, _| Fault::KillPostgres),
        ),
        rhythm(
            "cut",
            (3_000, 8_000),
            (6_000, 12_000),
            (1_000, 8_000),
            ANY,
            link(|process, peer, _| Fault::Cut(process, peer)),
        ),
        rhythm(
            "slow",
            (3_000, 8_000),
            (6_000, 14_000),
            (4_000, 12_000),
            ANY,
            link(|process, peer, random| Fault::Slow(process, peer, random.between(50, 600))),
        ),
        rhythm(
            "black hole",
            (6_000, 12_000),
            (8_000, 16_000),
            (3_000, 12_000),
            ANY,
            link(|process, peer, _| Fault::BlackHole(process, peer)),
        ),
        aws("throttled", AwsFault::Throttled, (1_000, 3_000)),
        aws("fails", AwsFault::FailsAfterTheWork, (1_000, 6_000)),
        aws("drops", AwsFault::DropsAfterTheWork, (5_000, 15_000)),
        rhythm(
            "pebble",
            (35_000, 55_000),
            (120_000, 180_000),
            (200, 2_000),
            2,
            Box::new(|_, _| Fault::KillPebble),
        ),
        rhythm(
            "name server killed",
            (8_000, 16_000),
            (30_000, 60_000),
            (2_000, 6_000),
            ANY,
            Box::new(|_, _| Fault::KillNameServer),
        ),
        // Sometimes longer than an update may take (shared/dns-writer), always shorter than three attempts.
        rhythm(
            "name server frozen",
            (22_000, 34_000),
            (40_000, 80_000),
            (8_000, 12_000),
            ANY,
            Box::new(|_, _| Fault::FreezeNameServer),
        ),
        rhythm(
            "servfail",
            (6_000, 12_000),
            (9_000, 18_000),
            (3_000, 8_000),
            ANY,
            Box::new(|random, _| Fault::Servfail((0..random.between(1, 3)).map(|_| random.draw()).collect())),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::targets;

    const LENGTH: Duration = Duration::from_secs(600);

    #[test]
    fn a_seed_has_one_schedule_and_another_seed_another() {
        let of = |seed| schedule(seed, LENGTH, &targets());
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn a_longer_run_begins_like_a_shorter_one() {
        let short = schedule(3, LENGTH / 2, &targets());
        let long = schedule(3, LENGTH, &targets());
        assert!(long.len() > short.len());
        assert_eq!(long[..short.len()], short[..]);
    }

    #[test]
    fn every_kind_of_fault_comes_within_ninety_seconds() {
        let mut kinds: Vec<_> = schedule(1, Duration::from_secs(90), &targets())
            .iter()
            .map(|planned| planned.fault.kind())
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), rhythms().len(), "{kinds:?}");
    }
}
