//! The chore: certificates with our mark that the database holds for retired. A worker died or froze between
//! uploading one and writing it down, and the instance was removed meanwhile.

use std::time::Duration;

use aws_effects::EffectError;
use certificate_store::{Listed, Reference, Removed};
use store::{OrphanKind, Owner};
use telemetry::with_causes;

use crate::handler::Installer;

/// What is wrong with a certificate in a store.
enum Finding {
    /// Somebody looks after it, or will.
    Owned,
    /// Provably ours, and retired.
    Orphan { instance: String },
    /// Ours by its tag, but the database doesn't know it: only told.
    Unexplained,
}

impl Installer {
    pub(crate) async fn reconcile(&self) -> Result<(), EffectError> {
        let (mut orphans, mut unexplained) = (0u32, 0u32);
        let mut all = Vec::new();
        for (_, certificates) in self.certificates.all() {
            all.extend(certificates.list().await?);
        }
        for listed in all {
            let name = &listed.reference.name;
            match self.judge(&listed).await? {
                Finding::Owned => {}
                Finding::Orphan { instance } => {
                    orphans += 1;
                    // One that can't be removed must not keep the others.
                    if let Err(error) = self.settle(&listed.reference, &instance).await {
                        tracing::warn!(certificate = name, error = with_causes(&error), "not removed yet");
                    }
                }
                Finding::Unexplained => {
                    unexplained += 1;
                    tracing::warn!(
                        certificate = name,
                        "left alone: the database doesn't know this certificate; was it restored from a backup? Look at it, and \
                         delete it there if nobody needs it"
                    );
                }
            }
        }
        metrics::gauge!("orphans", "kind" => "certificate", "judged" => "to-be-removed").set(orphans);
        metrics::gauge!("orphans", "kind" => "certificate", "judged" => "unexplained").set(unexplained);
        Ok(())
    }

    async fn judge(&self, listed: &Listed) -> Result<Finding, EffectError> {
        let owner = self.store.owner_of_certificate(listed.certificate).await?;
        if owner == Owner::Lives {
            return Ok(Finding::Owned);
        }
        let deployment = self.store.deployment().await?.to_string();
        let certificates = self.certificates.of(listed.reference.store);
        let is_ours = certificates.deployment(&listed.reference).await? == Some(deployment);
        Ok(match owner {
            Owner::Gone { instance } if is_ours => Finding::Orphan { instance },
            Owner::Unknown if is_ours => Finding::Unexplained,
            // Another broker's in the same account.
            _ => Finding::Owned,
        })
    }

    async fn settle(&self, reference: &Reference, instance: &str) -> Result<(), EffectError> {
        let (name, id) = (&reference.name, reference.id());
        let seen_for = self.store.orphan_seen(OrphanKind::Certificate, id, instance).await?;
        if seen_for < self.orphan_grace {
            tracing::warn!(
                certificate = name,
                instance,
                grace_left = ?Duration::from_secs(self.orphan_grace.saturating_sub(seen_for).as_secs()),
                "this certificate is orphaned: it is retired. It will be removed"
            );
            return Ok(());
        }
        match self.certificates.of(reference.store).remove(reference).await? {
            Removed::Gone => {
                self.store.orphan_removed(OrphanKind::Certificate, id).await?;
                metrics::counter!("orphans_removed_total", "kind" => "certificate").increment(1);
                tracing::warn!(certificate = name, instance, "deleted an orphaned certificate");
                Ok(())
            }
            // Whoever uses it is an orphan too, or somebody else's matter: the next turn sees.
            Removed::InUse => {
                tracing::warn!(certificate = name, instance, "CloudFront uses an orphaned certificate");
                Ok(())
            }
        }
    }
}
