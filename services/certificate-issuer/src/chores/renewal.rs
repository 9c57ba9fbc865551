//! The planner: starts a renewal for each certificate that is due. One process at a time runs it; the sweeper publishes
//! the steps, and a failure here is retried in the next run.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{TryStreamExt as _, stream};
use instant_acme::Error;
use pipeline::renewal::{Share, renew_at, seed, suggested_at};
use pipeline::{Schedule, Schedules};
use store::{DueRenewal, StoreError, Undecided};
use telemetry::with_causes;
use time::OffsetDateTime;

use crate::ca::{Ca, Cas};
use crate::client::renewal_info;

/// The time limit for all of the CA's responses in one run: the rest is requested in the next.
const ASKING: Duration = Duration::from_secs(60);
/// The most certificates that the CA is asked about in one run …
const ASKED_A_TURN: u32 = 500;
/// … how many at the same time …
const ASKED_AT_ONCE: usize = 4;
/// … the shortest interval between two requests about one certificate (RFC 9773 §4.3.2: a bound of one minute) …
const SOONEST: Duration = Duration::from_secs(60);
/// … and the interval after a request without a response.
const UNANSWERED: Duration = Duration::from_secs(3600);

/// When certificates are renewed.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Renewal")]
pub(crate) struct RenewalArgs {
    /// The interval at which certificates that are due are searched for.
    #[arg(long, env, default_value = "10m")]
    pub(crate) renewal_interval: humantime::Duration,
    /// Share of its lifetime after which a certificate is renewed, at most 90%.
    #[arg(long, env, default_value = "66%")]
    renew_after: Share,
    /// Certificates are renewed up to this share of their lifetime earlier, so that not all are renewed at once.
    #[arg(long, env, default_value = "4%")]
    renew_spread: Share,
    /// Share of its lifetime after which a certificate is renewed even if the CA suggests a later time.
    #[arg(long, env, default_value = "75%")]
    renew_latest: Share,
    /// The longest interval at which the CA is asked when to renew a certificate (RFC 9773), whatever its `Retry-After`;
    /// 0s: it is never asked, and the share of the lifetime applies.
    #[arg(long, env, default_value = "1d")]
    renewal_info_interval: humantime::Duration,
    /// The shortest time between the issuance of a certificate and its renewal, whatever the CA suggests; at most 5% of its
    /// lifetime.
    #[arg(long, env, default_value = "1h")]
    renewal_rest: humantime::Duration,
    /// The most concurrent renewals of a tenant, since they share an account at the CA. A renewal that waits for a domain
    /// is not counted.
    #[arg(long, env, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    renewals_per_tenant: u32,
    /// The pause after a failed renewal of an instance (first, factor, max, jitter).
    #[arg(long, env, default_value = "first=1h,factor=2,max=1d")]
    schedule_after_failed_renewal: Schedule,
}

impl RenewalArgs {
    /// A lower bound on the interval between renewals: protects the CA in case it always answers "now".
    fn rest(&self, life: time::Duration) -> Duration {
        let life = Duration::try_from(life).unwrap_or_default();
        Duration::from(self.renewal_rest).min(life / 20)
    }
}

/// Whether the CA may be asked about another certificate in this run.
#[derive(PartialEq, Eq)]
enum CaLoad {
    WithoutTrouble,
    Overloaded,
}

/// Starts renewals.
pub(crate) struct Planner {
    pub(crate) cas: Arc<Cas>,
    pub(crate) args: RenewalArgs,
    pub(crate) schedules: Schedules,
}

impl Planner {
    pub(crate) fn interval(&self) -> Duration {
        self.args.renewal_interval.into()
    }

    /// Sets the renewal times of new certificates, and starts the renewals that are due.
    pub(crate) async fn plan(&self) -> Result<(), StoreError> {
        for new in self.cas.store.undecided_renewals().await? {
            let (after, spread) = (self.args.renew_after, self.args.renew_spread);
            let at = renew_at(new.not_before, new.not_after, after, spread, seed(new.certificate));
            self.cas.store.set_renew_at(new.certificate, at).await?;
        }
        // A CA that doesn't respond must not delay renewals that are due.
        for (place, ca) in self.cas.all.iter().enumerate() {
            if let Ok(asked) = tokio::time::timeout(ASKING, self.ask(ca, place == 0)).await {
                asked?;
            }
        }
        let mut running: HashMap<String, u32> = self.cas.store.running_renewals().await?.into_iter().collect();
        for due in self.cas.store.due_renewals().await? {
            let of_tenant = running.entry(due.tenant.clone()).or_default();
            if *of_tenant >= self.args.renewals_per_tenant || !self.has_rested(&due) {
                continue;
            }
            if self.cas.store.renew(&due.instance, &self.schedules).await? {
                tracing::info!(
                    instance = due.instance,
                    failures = due.failures,
                    "renewing the certificate"
                );
                *of_tenant += 1;
            }
        }
        Ok(())
    }

    /// Asks the CA, if it supports this, when it suggests to renew its certificates, and if it is the first also those
    /// whose CA is not known. If it doesn't answer, it is asked again soon, and until then the configured share of the
    /// lifetime applies.
    async fn ask(&self, ca: &Ca, first: bool) -> Result<(), StoreError> {
        if self.args.renewal_info_interval.is_zero() {
            return Ok(());
        }
        let exchange = ca.client.exchange();
        let directory = match ca.directory(&exchange).await {
            Ok(directory) => directory,
            Err(error) => {
                tracing::info!(
                    ca = ca.settings.name,
                    error = with_causes(&error),
                    "the CA is not asked when to renew: its directory is unavailable now"
                );
                return Ok(());
            }
        };
        let Some(url) = directory.renewal_info.as_deref() else {
            return Ok(());
        };
        let due = self.cas.store.renewal_infos_due(ca.url(), first, ASKED_A_TURN).await?;
        let overloaded = AtomicBool::new(false);
        stream::iter(due.into_iter().map(Ok))
            .try_for_each_concurrent(ASKED_AT_ONCE, async |certificate| {
                if overloaded.load(Ordering::Relaxed) {
                    return Ok(());
                }
                if self.ask_about(ca, url, &certificate).await? == CaLoad::Overloaded {
                    overloaded.store(true, Ordering::Relaxed);
                }
                Ok(())
            })
            .await
    }

    async fn ask_about(&self, ca: &Ca, url: &str, certificate: &Undecided) -> Result<CaLoad, StoreError> {
        let interval: Duration = self.args.renewal_info_interval.into();
        let exchange = ca.client.exchange();
        let mut asked = CaLoad::WithoutTrouble;
        let (at, again) = match renewal_info::ask(&exchange, url, &certificate.chain_pem).await {
            Ok(info) => {
                let (not_before, not_after) = (certificate.not_before, certificate.not_after);
                let now = OffsetDateTime::now_utc();
                let seed = seed(certificate.certificate);
                let at = suggested_at(
                    not_before,
                    not_after,
                    (info.start, info.end),
                    self.args.renew_latest,
                    now,
                    seed,
                )
                .map(|at| at.max(certificate.created_at + self.args.rest(not_after - not_before)));
                if let Some(why) = info.explanation.filter(|_| at.is_some_and(|at| at <= now)) {
                    tracing::warn!(
                        instance = certificate.instance,
                        why,
                        "the CA wants the certificate to be renewed now"
                    );
                }
                (
                    at,
                    info.again.unwrap_or(interval).clamp(SOONEST.min(interval), interval),
                )
            }
            Err(error) => {
                tracing::info!(
                    instance = certificate.instance,
                    error = with_causes(&error),
                    "the CA did not say when to renew the certificate"
                );
                if matches!(&error, Error::Api(problem) if matches!(problem.status, Some(429 | 503))) {
                    asked = CaLoad::Overloaded;
                }
                (
                    None,
                    exchange
                        .retry_after()
                        .unwrap_or(UNANSWERED)
                        .clamp(SOONEST.min(interval), interval),
                )
            }
        };
        self.cas
            .store
            .set_renewal_info(certificate.certificate, at, again)
            .await?;
        Ok(asked)
    }

    fn has_rested(&self, due: &DueRenewal) -> bool {
        due.failed_ago.is_none_or(|ago| {
            let rest = self
                .args
                .schedule_after_failed_renewal
                .delay(due.failures.saturating_sub(1), Duration::ZERO);
            ago >= rest
        })
    }
}
