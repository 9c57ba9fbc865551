//! Dispatches each step to its file.

use std::time::Duration;

use aws::{CloudFront, ViewerSettings};
use aws_effects::remove_orphans;
use certificate_store::{Stores, Usage};
use pipeline::{InstallerStep, Outcome};
use store::{KeyRing, Store, Task};
use telemetry::with_causes;
use worker::{Chore, Handler, HandlerError, Stop};

/// The steps of this service.
pub(crate) struct Installer {
    pub(crate) store: Store,
    pub(crate) cloudfront: CloudFront,
    pub(crate) certificates: Stores,
    pub(crate) key_ring: KeyRing,
    pub(crate) viewer: ViewerSettings,
    pub(crate) reconcile_interval: Option<Duration>,
    pub(crate) orphan_grace: Duration,
}

#[async_trait::async_trait]
impl Handler for Installer {
    type Step = InstallerStep;

    async fn attempt(&self, step: Self::Step, task: &Task) -> Result<Outcome, Stop> {
        match step {
            InstallerStep::UploadCertificate => self.upload_certificate(task).await,
            InstallerStep::AttachCertificate => self.attach_certificate(task).await,
            InstallerStep::RetireCertificates => self.retire_certificates(task).await,
        }
    }

    fn chores(&self) -> Vec<Chore> {
        self.reconcile_interval.map(Chore::every).into_iter().collect()
    }

    async fn chore(&self, _name: &'static str) -> Result<(), HandlerError> {
        self.watch_quota().await;
        Ok(remove_orphans(self, &self.store, self.orphan_grace).await?)
    }
}

impl Installer {
    /// If the quota can't be read or recorded now, the next run tries again: nothing waits for it.
    async fn watch_quota(&self) {
        for (kind, certificates) in self.certificates.all() {
            let of = certificates.quota().of;
            let usage = match certificates.usage().await {
                Ok(usage) => usage,
                Err(failure) => {
                    tracing::warn!(error = with_causes(&failure), "how many {of} there are is not known");
                    continue;
                }
            };
            if usage.is_nearly_full() {
                tracing::warn!(
                    "nearly all {of} are taken: {usage}; a renewal needs room for one more: have the quota raised, or \
                     delete unused ones"
                );
            }
            let Usage { held, quota, .. } = usage;
            if let Err(error) = self.store.set_certificate_store_usage(kind.as_str(), held, quota).await {
                tracing::warn!(error = with_causes(&error), "how many {of} there are is not recorded");
            }
        }
    }
}
