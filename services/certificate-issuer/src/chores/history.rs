//! Deletes what nobody can ask for any more: of every instance, whichever service worked for it.

use std::time::Duration;

use store::StoreError;

use crate::ca::Cas;

/// Its name among the service's chores.
pub(crate) const NAME: &str = "history";

/// What is kept of the past.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "History")]
pub(crate) struct HistoryArgs {
    /// How long operations that have ended, and removed instances, are kept in the database, with their steps, orders
    /// and certificates; longer where something still needs them. At least 8d, since platforms ask about an operation
    /// for that long.
    #[arg(long, env, default_value = "90d")]
    history_retention: humantime::Duration,
    /// The interval at which the database is searched for what is older; 0s: never.
    #[arg(long, env, default_value = "1h")]
    history_interval: humantime::Duration,
}

/// The shortest retention. For so long platforms poll (`maximum_polling_duration` of the catalog), the reconcilers have
/// to know as ours what turns up in AWS late, and failed renewals are counted for the rest after them.
const LEAST: Duration = Duration::from_secs(8 * 86_400);

impl HistoryArgs {
    pub(crate) fn interval(&self) -> Duration {
        self.history_interval.into()
    }
}

/// One run. What a CA counts against its rate limits is kept, however short the retention is.
pub(crate) async fn prune(cas: &Cas, args: &HistoryArgs) -> Result<(), StoreError> {
    let counted = cas.all.iter().map(|ca| ca.settings.limits.longest()).max();
    let kept = Duration::from(args.history_retention)
        .max(LEAST)
        .max(counted.unwrap_or_default());
    let pruned = cas.store.prune_history(kept).await?;
    if !pruned.is_empty() {
        tracing::info!(rows = %pruned, "deleted what nobody can ask for any more");
    }
    Ok(())
}
