//! Settings of the reconcilers, which look for resources in AWS that have our mark but no owner in the database.

use humantime::Duration;

/// When what has no owner is looked for and removed.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Reconciler")]
pub struct ReconcileArgs {
    /// The interval at which AWS is searched for orphans, which are provably ours and have no owner, by one process at a
    /// time; 0s: never.
    #[arg(long, env, default_value = "10m")]
    pub reconcile_interval: Duration,
    /// How long an orphan must have been seen as such before it is removed.
    #[arg(long, env, default_value = "1h")]
    pub orphan_grace: Duration,
}

impl ReconcileArgs {
    /// The interval at which AWS is searched, if it is.
    pub fn interval(&self) -> Option<std::time::Duration> {
        let interval = std::time::Duration::from(self.reconcile_interval);
        (!interval.is_zero()).then_some(interval)
    }
}
