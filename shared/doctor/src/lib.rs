//! The doctor: what a service needs from outside is tried by harmless calls, side by side, each within a time limit,
//! and told in one line each ([`Finding`]): what is wrong and what to do. By `<service> doctor` on standard output
//! ([`print`]), and once at a service's start in its log ([`log`]). The checks themselves ([`Check`]) are with the
//! crates that know the other side: `store`, `messaging`, `aws`, and the services.

mod check;
mod finding;
mod ready;
mod tell;

pub use check::Check;
pub use finding::{Finding, State};
pub use ready::ready;
pub use tell::{findings, log, print};

/// What to do instead of serving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Subcommand)]
pub enum Command {
    /// Tries everything that this service needs from outside, by calls that change nothing, and ends: a line for each
    /// (ok, warn, FAIL or skip), with what to do. Exit code 1 when something failed. Wants the service's environment.
    Doctor,
    /// Asks this service's own /readyz on this machine, and ends: a container's health check. Exit code 1 when it is
    /// not ready.
    Ready,
}
