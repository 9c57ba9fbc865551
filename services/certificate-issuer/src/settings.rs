//! Settings: the CA, the key type, and the secrets for sealing.

use clap::Parser;
use store::sealing::SealingArgs;
use worker::WorkerArgs;

use crate::acme_args::AcmeArgs;
use crate::chores::renewal::RenewalArgs;

/// Talks to the ACME CA: accounts, orders, challenges, certificates. Every flag has an environment variable of the
/// same name.
#[derive(Debug, Clone, Parser)]
#[command(name = "certificate-issuer", version)]
pub(crate) struct Settings {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// The CA.
    #[command(flatten)]
    pub(crate) acme: AcmeArgs,
    /// Renewal.
    #[command(flatten)]
    pub(crate) renewal: RenewalArgs,
    /// Sealing of private keys.
    #[command(flatten)]
    pub(crate) sealing: SealingArgs,
    /// What every worker has.
    #[command(flatten)]
    pub(crate) worker: WorkerArgs,
}

/// What to do instead of serving.
#[derive(Debug, Clone, clap::Subcommand)]
pub(crate) enum Command {
    /// Seals every private key in PostgreSQL anew with the first key of SEALING_KEYS, says how many are sealed by which
    /// key, and ends: before an old key is taken out of SEALING_KEYS. Wants the service's environment; safe while the
    /// services run, and to repeat. Ends with an error when something can't be opened, which then stays as it is.
    Reseal,
    /// Tries everything that this service needs from outside, by calls that change nothing, and ends: a line for each
    /// (ok, warn, FAIL or skip), with what to do. Exit code 1 when something failed. Wants the service's environment.
    Doctor,
    /// Asks this service's own /readyz on this machine, and ends: a container's health check. Exit code 1 when it is not
    /// ready.
    Ready,
}
