//! The observations during the run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::fault::Fault;
use crate::hands::HandOver;
use crate::holdings::Holdings;

/// A kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Creates an instance.
    Provision,
    /// Changes an existing instance.
    Update,
    /// Removes an existing instance.
    Deprovision,
    /// Removes an instance that is being created.
    Cancel,
    /// Removes the remaining instances at the end of the run.
    Cleanup,
}

impl Kind {
    /// The name in the report.
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
    /// The instance is as requested.
    Succeeded,
    /// With the broker's reason.
    Failed(String),
    /// A later operation superseded it.
    Superseded,
    /// The broker refused the request, with its reason.
    Refused(String),
}

/// An operation that was requested.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The instance.
    pub instance: String,
    /// The kind of operation.
    pub kind: Kind,
    /// The duration and the result; `None` while it runs.
    pub ended: Option<(Duration, End)>,
    began: Instant,
}

/// A response to a poll of last_operation.
#[derive(Clone, Debug)]
pub struct Polled {
    /// HTTP status and state, or why there was no response.
    pub answer: String,
    /// Whether Cloud Controller can use the response.
    pub good: bool,
    /// How long it took.
    pub took: Duration,
    /// Whether PostgreSQL, broker-api and the link between them were undisturbed for the whole duration.
    pub undisturbed: bool,
    /// When, since the start.
    pub at: Duration,
}

/// All observations.
#[derive(Default)]
pub struct Seen {
    /// Operations in the order of the requests.
    pub operations: Vec<Asked>,
    /// Polls.
    pub polls: Vec<Polled>,
    /// Responses to PUT, PATCH and DELETE, by method and status.
    pub requests: BTreeMap<String, usize>,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, usize>,
    /// Faults that could not be injected, and why.
    pub unmade: BTreeMap<String, usize>,
    /// Active faults.
    pub at_work: BTreeMap<u64, String>,
    /// Messages in the parking queue, counted before it was deleted.
    pub parked: u32,
    /// Instances that succeeded but were not served, and why.
    pub not_served: Vec<(String, String)>,
    /// The longest time that a step was overdue, and which step.
    pub longest_overdue: (f64, String),
    /// The same for the time after the faults were lifted, counted from then.
    pub longest_overdue_in_peace: (f64, String),
    /// The longest time until broker-api was ready after PostgreSQL, or broker-api itself, had restarted.
    pub broker_ready_after: Duration,
    /// When the faults were lifted.
    pub peace: Option<Instant>,
    /// Domains that two instances requested, once both lives have ended.
    pub hand_overs: Vec<HandOver>,
    /// The domains that are to be proved at `_acme-challenge` by the plan, of instances that nobody cancels.
    pub delegated_planned: BTreeSet<String>,
    /// The domains that were to be proved there, of operations that succeeded.
    pub delegated: BTreeSet<String>,
    /// Which instance had which domain when every operation had ended.
    pub holdings: Option<Holdings>,
    /// Failures of the run itself.
    pub troubles: Vec<String>,
    faults_so_far: u64,
    disturbances: usize,
    disturbed_so_far: u64,
}

/// The observations, shared by all tasks of a run.
pub struct Facts {
    /// When the run began.
    pub began: Instant,
    seen: Mutex<Seen>,
}

/// The active disturbances of the broker at a point in time.
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
    /// The observations so far; the guard must not be held across an await.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a requested operation; returns its number.
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

    /// Records its end.
    pub fn ended(&self, number: usize, end: End) {
        if let Some(asked) = self.seen().operations.get_mut(number) {
            asked.ended = Some((asked.began.elapsed(), end));
        }
    }

    /// Records the response to a PUT or DELETE, or its absence.
    pub fn requested(&self, answer: String) {
        *self.seen().requests.entry(answer).or_default() += 1;
    }

    /// Records the start of a fault; returns its number.
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

    /// Records the end of a fault, once the affected part is ready again.
    pub fn fault_is_over(&self, number: u64, fault: &Fault) {
        let mut seen = self.seen();
        seen.at_work.remove(&number);
        if fault.silences_the_broker() {
            seen.disturbances -= 1;
        }
    }

    /// Records a fault that could not be injected or lifted.
    pub fn fault_failed(&self, fault: &Fault, why: &str) {
        *self
            .seen()
            .unmade
            .entry(format!("{}: {why}", fault.kind()))
            .or_default() += 1;
    }

    /// Records how long the broker took to be ready after a fault that made it unavailable, under these conditions.
    /// While another fault makes it unavailable, the end of that one counts instead.
    pub fn broker_ready_after(&self, time: Duration, weather: Weather) {
        let alone = weather.disturbances == 1 && weather == self.weather();
        let mut seen = self.seen();
        if alone {
            seen.broker_ready_after = seen.broker_ready_after.max(time);
        }
    }

    /// Records the steps that are overdue, and for how many seconds.
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

    /// The current disturbances of the broker.
    pub fn weather(&self) -> Weather {
        let seen = self.seen();
        Weather {
            disturbances: seen.disturbances,
            disturbed_so_far: seen.disturbed_so_far,
        }
    }

    /// Records a poll of last_operation that started under these conditions.
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
