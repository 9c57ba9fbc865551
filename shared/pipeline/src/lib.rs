//! The pipeline as pure data and decisions: what an operation is, which step follows which, when a step is retried, and
//! what the user is shown while it runs. No I/O, no clock, no other crate of this workspace: the caller passes the time
//! in, so every decision can be tested as a table.

mod access_logs;
pub mod caa;
pub mod delays;
pub mod domain;
pub mod instance;
pub mod issue_value;
pub mod managed;
pub mod operation;
pub mod outcome;
pub mod outside;
pub mod page;
pub mod patience;
pub mod plan;
pub mod proof;
pub mod reason;
pub mod records;
pub mod renewal;
pub mod revocation;
pub mod schedule;
pub mod shown;
pub mod status;
pub mod step;
pub mod tenant;
pub mod turn;
pub mod wake_up;

pub use access_logs::AccessLogs;
pub use delays::Delays;
pub use instance::InstanceSettings;
pub use operation::{OperationKind, OperationState};
pub use outcome::{Outcome, Rejection, Verdict};
pub use reason::Reason;
pub use schedule::{Schedule, Schedules};
pub use step::{DistributionStep, InstallerStep, IssuerStep, Service, ServiceStep, StepKind, StepState, VerifierStep};
pub use wake_up::WakeUp;
