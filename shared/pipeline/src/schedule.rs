//! When a step is retried. The only file that uses the `backoff` crate, for its arithmetic alone (the crate is
//! unmaintained: see deny.toml); nothing here sleeps.

use std::str::FromStr;
use std::time::Duration;

use crate::delays::Delays;
use crate::step::{StepKind, StepSchedules};

/// The upper bound of every duration in a schedule: beyond some thousand years neither the arithmetic here nor
/// PostgreSQL's works.
const LONGEST: Duration = Duration::from_secs(3650 * 86_400);

const AN_HOUR: Duration = Duration::from_secs(3600);
/// Of the steps of one operation that ask the same tenant's servers, one is tried in this time.
const A_TURN: Duration = Duration::from_millis(1500);

/// How often a step is tried, how long one attempt may take, and when to give up.
///
/// Written as `first=5s,factor=3,max=5m,jitter=20%,deadline=7d,limit=1m`; parts left out take these values. Durations
/// go down to milliseconds (`250ms`). With `share=5%` a delay is this share of the time that the step has waited, in place of
/// growing by `factor`: what takes its time anyway is noticed that much later at most, and costs few looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Delay after the first attempt.
    pub first: Duration,
    /// Each delay is this many times the one before.
    pub factor: f64,
    /// In place of `factor`: each delay is this share of the step's age, and `first` at least.
    pub share: Option<f64>,
    /// No delay is longer, before jitter.
    pub max: Duration,
    /// Nor than this, while the step is younger than an hour.
    pub first_hour: Option<Duration>,
    /// Delays vary by this share to both sides, 0 to 1.
    pub jitter: f64,
    /// The step fails, with the last reason, when it has not succeeded this long after it was created.
    pub deadline: Duration,
    /// An attempt is aborted after this time.
    pub limit: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(5),
            factor: 3.0,
            share: None,
            max: Duration::from_secs(300),
            first_hour: None,
            jitter: 0.2,
            deadline: Duration::from_secs(7 * 86_400),
            limit: Duration::from_secs(60),
        }
    }
}

impl Schedule {
    /// The delay after attempt number `attempt` (from 0) of a step that was created `age` ago, with jitter.
    pub fn delay(&self, attempt: u32, age: Duration) -> Duration {
        let grown = match self.share {
            Some(share) => (age.as_secs_f64() * share).max(self.first.as_secs_f64()),
            None => self.first.as_secs_f64() * self.factor.powi(attempt.min(1000) as i32),
        };
        let max = self.longest(age);
        around(Duration::from_secs_f64(grown.min(max.as_secs_f64())), self.jitter)
    }

    /// No delay is longer at that age, before jitter.
    fn longest(&self, age: Duration) -> Duration {
        match self.first_hour {
            Some(longest) if age < AN_HOUR => longest.min(self.max),
            _ => self.max,
        }
    }

    /// The delay when so many steps of the operation, this one included, ask the same tenant's servers: in turn, so that the servers are
    /// asked as often as for a few. After the first attempts, which are all made at once, the steps are spread over one round.
    pub fn delay_in_turn(&self, attempt: u32, age: Duration, steps: u32) -> Duration {
        let usual = self.delay(attempt, age);
        if steps <= 1 {
            return usual;
        }
        let round = A_TURN.saturating_mul(steps).min(self.longest(age));
        match round.checked_sub(usual) {
            None => usual,
            Some(rest) if attempt == 0 => {
                let middle = usual + rest / 2;
                around(middle, rest.as_secs_f64() / 2.0 / middle.as_secs_f64())
            }
            Some(_) => around(round, self.jitter),
        }
    }
}

const PERCENTAGE: &str = "a percentage from 0% to 100% is expected";
const SHARE: &str = "a percentage from 0.1% to 100% is expected";

/// As a share from 0 to 1.
fn percentage(value: &str, least: f64) -> Option<f64> {
    let percent: f64 = value.trim_end_matches('%').parse().ok()?;
    (least..=100.0).contains(&percent).then_some(percent / 100.0)
}

/// A random duration that differs from `middle` by this share of it at most.
fn around(middle: Duration, share: f64) -> Duration {
    use backoff::backoff::Backoff as _;
    let mut exponential = backoff::ExponentialBackoff {
        current_interval: middle,
        randomization_factor: share,
        max_interval: middle,
        max_elapsed_time: None,
        ..Default::default()
    };
    exponential.next_backoff().unwrap_or(middle)
}

/// A schedule that can't be read.
#[derive(Debug, thiserror::Error, PartialEq)]
#[error(
    "{part:?} in a schedule: {problem}; write for example first=5s,factor=3,max=5m,jitter=20%,deadline=7d,limit=1m"
)]
pub struct InvalidSchedule {
    part: String,
    problem: &'static str,
}

impl FromStr for Schedule {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, InvalidSchedule> {
        let mut schedule = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let invalid = |problem| InvalidSchedule {
                part: part.to_string(),
                problem,
            };
            let (key, value) = part.split_once('=').ok_or_else(|| invalid("name=value is expected"))?;
            let duration = || match humantime::parse_duration(value) {
                // Without a delay a waiting step would spin.
                Ok(duration) if duration < Duration::from_millis(1) || duration > LONGEST => {
                    Err(invalid("a duration from 1ms to 3650d is expected"))
                }
                Ok(duration) => Ok(duration),
                Err(_) => Err(invalid("not a duration such as 250ms, 5s, 2m or 7d")),
            };
            match key {
                "first" => schedule.first = duration()?,
                "max" => schedule.max = duration()?,
                "first-hour" => schedule.first_hour = Some(duration()?),
                "deadline" => schedule.deadline = duration()?,
                "limit" => schedule.limit = duration()?,
                "factor" => {
                    schedule.factor = value
                        .parse()
                        .ok()
                        .filter(|factor| (1.0..=100.0).contains(factor))
                        .ok_or_else(|| invalid("a number from 1 to 100 is expected"))?;
                }
                "jitter" => schedule.jitter = percentage(value, 0.0).ok_or_else(|| invalid(PERCENTAGE))?,
                // Of an age of nothing, any share is nothing.
                "share" => schedule.share = Some(percentage(value, 0.1).ok_or_else(|| invalid(SHARE))?),
                _ => {
                    return Err(invalid(
                        "unknown; known are first, factor, share, max, first-hour, jitter, deadline, limit",
                    ));
                }
            }
        }
        Ok(schedule)
    }
}

/// Every schedule. Format of each setting: `first=5s,factor=3,max=5m,jitter=20%,deadline=7d,limit=1m` (first delay, growth, longest
/// delay, jitter, when to give up, limit of one attempt); parts left out take these values. In place of `factor`, `share=5%`: each delay is
/// this share of the step's age; `first-hour=1m`: the longest delay while the step is younger than an hour.
#[derive(Debug, Clone, clap::Args)]
#[command(
    next_help_heading = "Schedules: first=5s,factor=3,max=5m,jitter=20%,deadline=7d,limit=1m (first delay, growth, longest delay, jitter, when to give up, time limit of one attempt); parts left out take these values; in place of factor, share=5%: each delay is this share of the step's age; first-hour=1m: the longest delay within the first hour; units from ms to days"
)]
pub struct Schedules {
    /// Of the steps.
    #[command(flatten)]
    pub steps: StepSchedules,
    /// How long a domain is held after the CA rejected it (first, factor, max; a name is locked after 5 failures an
    /// hour, so stay at 12 minutes or above with Let's Encrypt).
    #[arg(long, env, default_value = "first=15m,factor=2,max=1d,jitter=5%")]
    pub schedule_after_rejection: Schedule,
    /// The delay after a probe of a domain that ran into a time limit (DNS_TIMEOUT, HTTP_TIMEOUT, PROBE_TIMEOUT) and found no proof
    /// in place, if that is longer than by SCHEDULE_VERIFY_CHALLENGE (first, factor, max). It grows with each consecutive such probe.
    #[arg(long, env, default_value = "first=30s,factor=2,max=1h")]
    pub schedule_after_slow_look: Schedule,
    /// An operation whose orders fail again and again fails after this time, such as 7d. Cloud Controller gives up after
    /// 7 days, and doesn't know the reason.
    #[arg(long, env, default_value = "6d 12h")]
    pub operation_deadline: humantime::Duration,
    /// An update fails, and changes nothing, when the proof of a domain was never seen in place this long after the request: the
    /// name may be mistyped, and Cloud Foundry allows no deletion or change of a service while an update runs. A domain whose
    /// proof was seen has the time of OPERATION_DEADLINE.
    #[arg(long, env, default_value = "6h")]
    pub update_unseen_deadline: humantime::Duration,
    /// Those that wake-ups can have.
    #[arg(skip)]
    pub delays: Delays,
}

impl Schedules {
    /// The schedule of a step kind.
    pub fn of(&self, kind: StepKind) -> &Schedule {
        self.steps.of(kind)
    }

    /// How long a domain is not probed after its last `count` consecutive probes ran into a time limit; `usual` is the
    /// delay of its schedule.
    ///
    /// With the defaults, about as long as its probes have been slow already, and an hour at most: a server that is
    /// fixed soon is noticed soon, and one that stays slow costs less and less.
    pub fn rest_after_slow_looks(&self, usual: Duration, count: u32) -> Duration {
        match count.checked_sub(1) {
            None => usual,
            Some(before) => usual.max(self.schedule_after_slow_look.delay(before, Duration::ZERO)),
        }
    }

    /// How long a domain is held after its `count`th rejection (from 1) by the CA.
    pub fn rest_after_rejection(&self, count: u32) -> Duration {
        self.schedule_after_rejection
            .delay(count.saturating_sub(1), Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn delays_grow_threefold_to_the_cap_within_the_jitter() {
        let schedule = Schedule::default();
        for (attempt, seconds) in [(0, 5.0), (1, 15.0), (2, 45.0), (3, 135.0), (4, 300.0), (500, 300.0)] {
            for _ in 0..50 {
                let delay = schedule.delay(attempt, AN_HOUR).as_secs_f64();
                assert!(
                    (seconds * 0.8 - 0.001..=seconds * 1.2 + 0.001).contains(&delay),
                    "attempt {attempt}: {delay}"
                );
            }
        }
    }

    #[test]
    fn a_schedule_reads_down_to_milliseconds_and_names_what_is_wrong() {
        let schedule: Schedule = "first=250ms, factor=1.5,max=2s,jitter=0%,deadline=1h,limit=900ms"
            .parse()
            .unwrap();
        assert_eq!(schedule.first, Duration::from_millis(250));
        assert_eq!(schedule.delay(1, Duration::ZERO), Duration::from_millis(375));
        assert_eq!(schedule.limit, Duration::from_millis(900));
        for (text, says) in [
            ("first=soon", "not a duration"),
            ("speed=9", "unknown; known are first"),
            ("first=0s", "from 1ms to 3650d"),
            ("max=18446744073709551615s", "from 1ms to 3650d"),
            ("factor=0", "from 1 to 100"),
            ("jitter=101%", "from 0% to 100%"),
            ("share=0%", "from 0.1% to 100%"),
            ("first", "name=value"),
        ] {
            let error = text.parse::<Schedule>().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn with_a_share_a_delay_follows_the_steps_age_and_not_its_attempts() {
        let schedule: Schedule = "first=4s,share=5%,max=5m,first-hour=1m,jitter=0%".parse().unwrap();
        for (age, delay) in [
            (0, 4.0),
            (80, 4.0),
            (200, 10.0),
            (1_199, 59.95),
            (3_599, 60.0),
            (3_600, 180.0),
            (99_999, 300.0),
        ] {
            for attempt in [0, 3, 1_000] {
                assert_eq!(
                    schedule.delay(attempt, Duration::from_secs(age)).as_secs_f64(),
                    delay,
                    "{age}"
                );
            }
        }
    }

    #[test]
    fn many_domains_are_looked_at_in_turn() {
        let schedule: Schedule = "first=4s,share=4%,max=5m,first-hour=1m,jitter=0%".parse().unwrap();
        let delay = |attempt, age, steps| {
            schedule
                .delay_in_turn(attempt, Duration::from_secs(age), steps)
                .as_secs_f64()
        };
        assert_eq!(delay(1, 10, 1), 4.0, "alone");
        let soon: Schedule = "first=500ms,share=4%,jitter=0%".parse().unwrap();
        assert_eq!(soon.delay_in_turn(0, Duration::ZERO, 1), Duration::from_millis(500));
        assert_eq!(delay(1, 10, 10), 15.0, "one of ten each 1.5 s");
        assert_eq!(delay(1, 10, 100), 60.0, "not beyond the longest of the first hour");
        assert_eq!(delay(9, 7_000, 10), 280.0, "what is due later by its age");
        let first: Vec<f64> = (0..200).map(|_| delay(0, 0, 10)).collect();
        assert!(first.iter().all(|delay| (3.999..=15.001).contains(delay)), "{first:?}");
        let early = first.iter().filter(|delay| **delay < 9.5).count();
        assert!((50..150).contains(&early), "spread over the round: {early}");
    }

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        schedules: Schedules,
    }

    #[test]
    fn a_slow_domain_is_looked_at_ever_more_seldom_but_every_hour() {
        let schedules = Cli::parse_from([
            "test",
            "--schedule-after-slow-look",
            "jitter=0%,first=30s,factor=2,max=1h",
        ])
        .schedules;
        let rest = |usual, count| {
            schedules
                .rest_after_slow_looks(Duration::from_secs(usual), count)
                .as_secs()
        };
        assert_eq!([rest(5, 0), rest(300, 0)], [5, 300], "one that was not slow");
        let rests: Vec<u64> = (1..=9).map(|count| rest(5, count)).collect();
        assert_eq!(rests, [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        assert_eq!(rest(300, 1), 300, "never sooner than usual");
        // Fixed at any moment, it is noticed before it was slow twice as long, or within the hour.
        for count in 2..rests.len() {
            let slow_for: u64 = rests[..count].iter().sum();
            assert!(rests[count] <= slow_for + 30, "{count}");
        }
    }

    #[test]
    fn the_defaults_parse_and_leave_users_a_week() {
        let schedules = Cli::parse_from(["test"]).schedules;
        assert_eq!(schedules.of(StepKind::VerifyChallenge).deadline.as_secs(), 7 * 86_400);
        assert!(schedules.rest_after_rejection(1) >= Duration::from_secs(14 * 60));
        assert!(schedules.rest_after_rejection(3) > schedules.rest_after_rejection(1));
    }
}
