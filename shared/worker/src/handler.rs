//! What a service brings.

use std::time::Duration;

use pipeline::reason::BrokerReason;
use pipeline::{Outcome, Reason, Service, ServiceStep};
use store::{StoreError, Task};

/// Does the steps of one service. Knows one outside world; never sleeps, never publishes, never picks the next step.
#[async_trait::async_trait]
pub trait Handler: Send + Sync + 'static {
    /// The steps of its service.
    type Step: ServiceStep;

    /// The service, whose queue is consumed.
    const SERVICE: Service = <Self::Step as ServiceStep>::SERVICE;

    /// How many messages a process holds beyond those that it attempts at once. Enough of them, where one tenant can
    /// fill the queue with what takes long: those behind it are looked at meanwhile. None, where nobody but us and our
    /// suppliers decide how long an attempt takes: what waits is better left to another process.
    const AHEAD: u16 = 0;

    /// Attempts a step once. May run twice for one attempt: outside effects must be idempotent.
    ///
    /// # Errors
    /// When the attempt can't be judged; the step is tried again by its schedule.
    async fn attempt(&self, step: Self::Step, task: &Task) -> Result<Outcome, Stop>;

    /// How often one process of the service does its chore; `None`: it has none.
    fn chore_interval(&self) -> Option<Duration> {
        None
    }

    /// What is done now and then beside the steps, by one process at a time.
    ///
    /// # Errors
    /// Logged; the chore's turn comes again.
    async fn chore(&self) -> Result<(), HandlerError> {
        Ok(())
    }
}

/// An attempt that came to no outcome.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// The store failed, or refused because the step is no longer current.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something else failed.
    #[error("{waiting_for}")]
    Other {
        /// What the user reads meanwhile.
        waiting_for: Reason,
        /// The cause, for the log.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Why an attempt ends before its end, by `?`: with an outcome, or with none at all.
#[derive(Debug)]
pub enum Stop {
    /// The attempt came to this.
    Outcome(Outcome),
    /// The attempt can't be judged.
    Error(HandlerError),
}

impl Stop {
    /// An error of ours, whose cause the operator reads in the log; tried again by the schedule.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::because(BrokerReason::Internal, cause)
    }

    /// The same, where the user reads more than that.
    pub fn because(waiting_for: impl Into<Reason>, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Error(HandlerError::Other {
            waiting_for: waiting_for.into(),
            source: cause.into(),
        })
    }

    /// The outcome, if there is one.
    ///
    /// # Errors
    /// There is none.
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
