//! Settings: the CA, the key type, and the secrets for sealing.

use clap::Parser;
use dns_writer::DelegationArgs;
use pipeline::Schedules;
use store::sealing::SealingArgs;
use worker::WorkerArgs;

use crate::acme_args::AcmeArgs;
use crate::chores::history::HistoryArgs;
use crate::chores::renewal::RenewalArgs;

/// Talks to the ACME CA: accounts, orders, challenges, certificates. Every flag has an environment variable of the
/// same name.
#[derive(Debug, Clone, Parser)]
#[command(name = "certificate-issuer", version, after_help = dns_writer::AFTER_HELP)]
pub(crate) struct Settings {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// The CAs.
    #[command(flatten)]
    pub(crate) acme: AcmeArgs,
    /// Where tenants may delegate their challenges.
    #[command(flatten)]
    pub(crate) delegation: DelegationArgs,
    /// Renewal.
    #[command(flatten)]
    pub(crate) renewal: RenewalArgs,
    /// History.
    #[command(flatten)]
    pub(crate) history: HistoryArgs,
    /// Sealing of private keys.
    #[command(flatten)]
    pub(crate) sealing: SealingArgs,
    /// What every worker has.
    #[command(flatten)]
    pub(crate) worker: WorkerArgs,
    /// Schedules.
    #[command(flatten)]
    pub(crate) schedules: Schedules,
}

/// What to do instead of serving.
#[derive(Debug, Clone, clap::Subcommand)]
pub(crate) enum Command {
    /// Reseals every private key in PostgreSQL with the first key of SEALING_KEYS, says how many are sealed by which key,
    /// and exits: for use before an old key is removed from SEALING_KEYS. Needs the service's environment; safe while the
    /// services run, and to repeat. Exits with an error when a value can't be opened, which then stays unchanged.
    Reseal,
    /// Tries everything that this service needs from outside, by calls that change nothing, and exits: a line for each
    /// (ok, warn, FAIL or skip), with what to do. Exit code 1 when something failed. Needs the service's environment.
    Doctor,
    /// Requests this service's own /readyz on this machine, and exits: a container's health check. Exit code 1 when it is
    /// not ready.
    Ready,
}
