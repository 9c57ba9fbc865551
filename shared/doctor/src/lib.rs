//! The doctor: everything external that a service needs is tried with harmless calls, concurrently, each within a time
//! limit, and reported in one line each ([`Finding`]): the problem and the remedy. `<service> doctor` prints it on
//! standard output ([`print`]), and a service logs it once at startup ([`log`]). The checks themselves ([`Check`]) are
//! in the crates that talk to the other side: `store`, `messaging`, `aws`, and the services.

mod check;
mod finding;
mod ready;
mod tell;

pub use check::Check;
pub use finding::{Finding, State};
pub use ready::{reached_at, ready};
pub use tell::{findings, log, print};

/// What to do instead of serving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Subcommand)]
pub enum Command {
    /// Tries everything that this service needs from outside, by calls that change nothing, and exits: a line for each
    /// (ok, warn, FAIL or skip), with what to do. Exit code 1 when something failed. Needs the service's environment.
    Doctor,
    /// Requests this service's own /readyz on this machine, and exits: a container's health check. Exit code 1 when it is
    /// not ready.
    Ready,
}
