//! The planner: begins a renewal for each certificate that is due. One process at a time does it; the steps are rung by the
//! sweeper, and whatever goes wrong here is done at the next turn.

use std::collections::HashMap;
use std::time::Duration;

use pipeline::renewal::{Share, renew_at, seed};
use pipeline::{Schedule, Schedules};
use store::{DueRenewal, Store, StoreError};

/// When certificates are renewed.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Renewal")]
pub(crate) struct RenewalArgs {
    /// How often it is looked for certificates that are due.
    #[arg(long, env, default_value = "10m")]
    pub(crate) renewal_interval: humantime::Duration,
    /// Share of its life after which a certificate is renewed, at most 90%.
    #[arg(long, env, default_value = "66%")]
    renew_after: Share,
    /// Certificates are renewed up to this share of their life later than that, so that not all are at once.
    #[arg(long, env, default_value = "4%")]
    renew_spread: Share,
    /// So many renewals of a tenant are at work at once, at most: they share an account at the CA.
    #[arg(long, env, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    renewals_per_tenant: u32,
    /// How long an instance rests after a renewal that failed (first, factor, max, jitter).
    #[arg(long, env, default_value = "first=1h,factor=2,max=1d")]
    schedule_after_failed_renewal: Schedule,
}

/// Begins renewals.
pub(crate) struct Planner {
    pub(crate) store: Store,
    pub(crate) args: RenewalArgs,
    pub(crate) schedules: Schedules,
}

impl Planner {
    pub(crate) fn interval(&self) -> Duration {
        self.args.renewal_interval.into()
    }

    /// Decides when new certificates are renewed, and begins what is due.
    pub(crate) async fn plan(&self) -> Result<(), StoreError> {
        for new in self.store.undecided_renewals().await? {
            let (after, spread) = (self.args.renew_after, self.args.renew_spread);
            let at = renew_at(new.not_before, new.not_after, after, spread, seed(new.certificate));
            self.store.set_renew_at(new.certificate, at).await?;
        }
        let mut running: HashMap<String, u32> = self.store.running_renewals().await?.into_iter().collect();
        for due in self.store.due_renewals().await? {
            let of_tenant = running.entry(due.tenant.clone()).or_default();
            if *of_tenant >= self.args.renewals_per_tenant || !self.has_rested(&due) {
                continue;
            }
            if let Some(rings) = self.store.renew(&due.instance, &self.schedules).await? {
                tracing::info!(
                    instance = due.instance,
                    failures = due.failures,
                    "renewing the certificate"
                );
                self.store.not_rung(&rings).await?;
                *of_tenant += 1;
            }
        }
        Ok(())
    }

    fn has_rested(&self, due: &DueRenewal) -> bool {
        due.failed_ago.is_none_or(|ago| {
            let rest = self
                .args
                .schedule_after_failed_renewal
                .delay(due.failures.saturating_sub(1));
            ago >= rest
        })
    }
}
