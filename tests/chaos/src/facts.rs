//! What was seen while the run went on.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::fault::Fault;
use crate::hands::HandOver;
use crate::holdings::Holdings;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Makes an instance.
    Provision,
    /// Changes one that was made.
    Update,
    /// Removes one that was made.
    Deprovision,
    /// Removes one that was being made.
    Cancel,
    /// Removes what is left at the end of the run.
    Cleanup,
}

impl Kind {
    /// In the report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provision => "provision",
            Self::Update => "update",
            Self::Deprovision => "deprovision",
            Self::Cancel => "cancel",
            Self::Cleanup => "clean-up",
        }
    }
}

/// How an operation ended, as Cloud Controller sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// It is as asked for.
    Succeeded,
    /// With the broker's words.
    Failed(String),
    /// A later operation took its place.
    Superseded,
    /// The broker did not take the request, with its words.
    Refused(String),
}

/// An operation that was asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The instance.
    pub instance: String,
    /// What it does.
    pub kind: Kind,
    /// How long it took, and how it ended; none while it runs.
    pub ended: Option<(Duration, End)>,
    began: Instant,
}

/// An answer to a poll of last_operation.
#[derive(Clone, Debug)]
pub struct Polled {
    /// HTTP status and state, or why there was none.
    pub answer: String,
    /// Whether it is one that Cloud Controller can use.
    pub good: bool,
    /// How long it took.
    pub took: Duration,
    /// Whether PostgreSQL, broker-api and the link between them were undisturbed all the while.
    pub undisturbed: bool,
    /// When, from the start.
    pub at: Duration,
}

/// Everything that was seen.
#[derive(Default)]
pub struct Seen {
    /// Operations in the order in which they were asked for.
    pub operations: Vec<Asked>,
    /// Polls.
    pub polls: Vec<Polled>,
    /// Answers to PUT, PATCH and DELETE, by method and status.
    pub requests: BTreeMap<String, usize>,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, usize>,
    /// Faults that could not be made, and why.
    pub unmade: BTreeMap<String, usize>,
    /// Faults at work.
    pub at_work: BTreeMap<u64, String>,
    /// Messages in the parking queue, counted before it was deleted.
    pub parked: u32,
    /// Instances that succeeded but were not served, and why.
    pub not_served: Vec<(String, String)>,
    /// How long a step was overdue at most, and which.
    pub longest_overdue: (f64, String),
    /// The same since the faults were lifted, counted from then.
    pub longest_overdue_in_peace: (f64, String),
    /// The longest that broker-api took to be ready after PostgreSQL, or itself, was back.
    pub broker_ready_after: Duration,
    /// When the faults were lifted.
    pub peace: Option<Instant>,
    /// Domains that two instances wanted, once both lives were led.
    pub hand_overs: Vec<HandOver>,
    /// Who had which domain when every operation had ended.
    pub holdings: Option<Holdings>,
    /// What broke in the run itself.
    pub troubles: Vec<String>,
    faults_so_far: u64,
    disturbances: usize,
    disturbed_so_far: u64,
}

/// Shared by all tasks of a run.
pub struct Facts {
    /// When the run began.
    pub began: Instant,
    seen: Mutex<Seen>,
}

/// The broker's weather at a moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Weather {
    disturbances: usize,
    disturbed_so_far: u64,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            seen: Mutex::default(),
        }
    }
}

impl Facts {
    /// All that was seen so far; not to be held over an await.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An operation was asked for; its number.
    pub fn asked(&self, instance: &str, kind: Kind) -> usize {
        let mut seen = self.seen();
        seen.operations.push(Asked {
            instance: instance.to_owned(),
            kind,
            ended: None,
            began: Instant::now(),
        });
        seen.operations.len() - 1
    }

    /// It ended.
    pub fn ended(&self, number: usize, end: End) {
        if let Some(asked) = self.seen().operations.get_mut(number) {
            asked.ended = Some((asked.began.elapsed(), end));
        }
    }

    /// A PUT or DELETE was answered, or was not.
    pub fn requested(&self, answer: String) {
        *self.seen().requests.entry(answer).or_default() += 1;
    }

    /// A fault begins; its number.
    pub fn fault_begins(&self, fault: &Fault) -> u64 {
        let mut seen = self.seen();
        *seen.faults.entry(fault.kind()).or_default() += 1;
        seen.faults_so_far += 1;
        let number = seen.faults_so_far;
        seen.at_work.insert(number, fault.to_string());
        if fault.silences_the_broker() {
            seen.disturbances += 1;
            seen.disturbed_so_far += 1;
        }
        number
    }

    /// It is over, and what it hurt is ready again.
    pub fn fault_is_over(&self, number: u64, fault: &Fault) {
        let mut seen = self.seen();
        seen.at_work.remove(&number);
        if fault.silences_the_broker() {
            seen.disturbances -= 1;
        }
    }

    /// A fault could not be made or lifted.
    pub fn fault_failed(&self, fault: &Fault, why: &str) {
        *self
            .seen()
            .unmade
            .entry(format!("{}: {why}", fault.kind()))
            .or_default() += 1;
    }

    /// The broker was ready so long after what had silenced it, in this weather. While something else silences it, that
    /// one's end is what counts.
    pub fn broker_ready_after(&self, time: Duration, weather: Weather) {
        let alone = weather.disturbances == 1 && weather == self.weather();
        let mut seen = self.seen();
        if alone {
            seen.broker_ready_after = seen.broker_ready_after.max(time);
        }
    }

    /// Steps were overdue by so many seconds.
    pub fn overdue(&self, steps: Vec<(f64, String)>) {
        let mut seen = self.seen();
        let Some((seconds, step)) = steps.into_iter().next() else {
            return;
        };
        if let Some(peace) = seen.peace {
            let in_peace = seconds.min(peace.elapsed().as_secs_f64());
            if in_peace > seen.longest_overdue_in_peace.0 {
                seen.longest_overdue_in_peace = (in_peace, step.clone());
            }
        }
        if seconds > seen.longest_overdue.0 {
            seen.longest_overdue = (seconds, step);
        }
    }

    /// The broker's weather now.
    pub fn weather(&self) -> Weather {
        let seen = self.seen();
        Weather {
            disturbances: seen.disturbances,
            disturbed_so_far: seen.disturbed_so_far,
        }
    }

    /// A poll of last_operation that began in this weather.
    pub fn polled(&self, answer: String, good: bool, took: Duration, weather: Weather) {
        let undisturbed = weather.disturbances == 0 && weather == self.weather();
        let at = self.began.elapsed();
        self.seen().polls.push(Polled {
            answer,
            good,
            took,
            undisturbed,
            at,
        });
    }
}
