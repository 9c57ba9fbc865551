//! What a service implements.

use std::time::Duration;

use pipeline::reason::BrokerReason;
use pipeline::{Outcome, Reason, Service, ServiceStep};
use store::{Store, StoreError, Task};
use uuid::Uuid;

/// Runs the steps of one service. Talks to one external system; never sleeps, never publishes, never chooses the next
/// step.
#[async_trait::async_trait]
pub trait Handler: Send + Sync + 'static {
    /// The steps of its service.
    type Step: ServiceStep;

    /// The service, whose queue is consumed.
    const SERVICE: Service = <Self::Step as ServiceStep>::SERVICE;

    /// How many messages a process prefetches beyond those that it attempts at once. Enough of them where one tenant
    /// can fill the queue with slow steps, so that the messages behind those are examined while they run. None where
    /// only we and our suppliers decide how long an attempt takes: waiting messages are better left to another process.
    const AHEAD: u16 = 0;

    /// Loads a step, with whatever every attempt reads first. It is loaded again when it had to wait for a seat. `None`: its message is
    /// stale.
    ///
    /// # Errors
    /// Database errors.
    async fn load(&self, store: &Store, step: Uuid, attempt: i32) -> Result<Option<Task>, StoreError> {
        store.load_task(step, attempt).await
    }

    /// Attempts a step once. May run twice for one attempt: external effects must be idempotent.
    ///
    /// # Errors
    /// When the attempt has no outcome; the step is retried by its schedule.
    async fn attempt(&self, step: Self::Step, task: &Task) -> Result<Outcome, Stop>;

    /// The service's periodic work besides the steps.
    fn chores(&self) -> Vec<Chore> {
        Vec::new()
    }

    /// Does the chore of this name. Each is done by one process of the service at a time.
    ///
    /// # Errors
    /// Logged; the chore runs again in its next turn.
    async fn chore(&self, _name: &'static str) -> Result<(), HandlerError> {
        Ok(())
    }
}

/// Periodic work.
#[derive(Debug, Clone, Copy)]
pub struct Chore {
    /// Its name among the service's chores.
    pub name: &'static str,
    /// How often it is done.
    pub interval: Duration,
}

impl Chore {
    /// The chore of a service that has one.
    pub fn every(interval: Duration) -> Self {
        Self {
            name: "chore",
            interval,
        }
    }
}

/// An attempt without an outcome.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// The store failed, or refused because the step is no longer current.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something else failed.
    #[error("{waiting_for}")]
    Other {
        /// What the user is shown until the next attempt.
        waiting_for: Reason,
        /// The cause, for the log.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Why an attempt returns early, by `?`: with an outcome, or without one.
#[derive(Debug)]
pub enum Stop {
    /// The attempt's outcome.
    Outcome(Outcome),
    /// The attempt has no outcome.
    Error(HandlerError),
}

impl Stop {
    /// An internal error, whose cause the operator finds in the log; retried by the schedule.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::because(BrokerReason::Internal, cause)
    }

    /// The same, where the user is shown more than that.
    pub fn because(waiting_for: impl Into<Reason>, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Error(HandlerError::Other {
            waiting_for: waiting_for.into(),
            source: cause.into(),
        })
    }

    /// The outcome, if there is one.
    ///
    /// # Errors
    /// When there is none.
    pub fn outcome(self) -> Result<Outcome, HandlerError> {
        match self {
            Self::Outcome(outcome) => Ok(outcome),
            Self::Error(error) => Err(error),
        }
    }
}

impl From<Outcome> for Stop {
    fn from(outcome: Outcome) -> Self {
        Self::Outcome(outcome)
    }
}

impl From<HandlerError> for Stop {
    fn from(error: HandlerError) -> Self {
        Self::Error(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Error(error.into())
    }
}
