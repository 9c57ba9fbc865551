//! The chore: IAM certificates with our mark that the database holds for retired. A worker died or froze between
//! uploading one and writing it down, and the instance was removed meanwhile.

use std::time::Duration;

use aws::{CERTIFICATE_PREFIX, DEPLOYMENT_TAG, Failure, Peer};
use aws_effects::EffectError;
use aws_sdk_iam::types::{ServerCertificateMetadata, Tag};
use store::{OrphanKind, Owner};
use telemetry::with_causes;
use uuid::Uuid;

use crate::handler::Installer;

/// What is wrong with a certificate in IAM.
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
        for metadata in self.below_our_path().await? {
            let name = &metadata.server_certificate_name;
            let Some(id) = name.strip_prefix(CERTIFICATE_PREFIX).and_then(|id| id.parse().ok()) else {
                continue;
            };
            match self.judge(name, id).await? {
                Finding::Owned => {}
                Finding::Orphan { instance } => {
                    orphans += 1;
                    // One that can't be removed must not keep the others.
                    if let Err(error) = self.settle(&metadata, &instance).await {
                        tracing::warn!(iam_name = name, error = with_causes(&error), "not removed yet");
                    }
                }
                Finding::Unexplained => {
                    unexplained += 1;
                    tracing::warn!(
                        iam_name = name,
                        "left alone: the database doesn't know this certificate; was it restored from a backup? Look at it, and \
                         delete it in IAM if nobody needs it"
                    );
                }
            }
        }
        metrics::gauge!("orphans", "kind" => "certificate", "judged" => "to-be-removed").set(orphans);
        metrics::gauge!("orphans", "kind" => "certificate", "judged" => "unexplained").set(unexplained);
        Ok(())
    }

    async fn below_our_path(&self) -> Result<Vec<ServerCertificateMetadata>, Failure> {
        let mut all = Vec::new();
        let mut marker = None;
        loop {
            let page = self
                .iam
                .list_server_certificates()
                .path_prefix(&self.iam_path)
                .set_marker(marker.take())
                .send()
                .await
                .map_err(|error| Failure::new(Peer::Iam, "ListServerCertificates", &error))?;
            all.extend(page.server_certificate_metadata_list);
            match page.marker {
                Some(next) if page.is_truncated && !next.is_empty() => marker = Some(next),
                _ => return Ok(all),
            }
        }
    }

    async fn judge(&self, name: &str, id: Uuid) -> Result<Finding, EffectError> {
        let owner = self.store.owner_of_certificate(id).await?;
        if owner == Owner::Lives {
            return Ok(Finding::Owned);
        }
        let deployment = self.store.deployment().await?.to_string();
        let is_ours = self
            .tags(name)
            .await?
            .iter()
            .any(|tag| tag.key == DEPLOYMENT_TAG && tag.value == deployment);
        Ok(match owner {
            Owner::Gone { instance } if is_ours => Finding::Orphan { instance },
            Owner::Unknown if is_ours => Finding::Unexplained,
            // Another broker's in the same account.
            _ => Finding::Owned,
        })
    }

    async fn tags(&self, name: &str) -> Result<Vec<Tag>, Failure> {
        let answer = self
            .iam
            .list_server_certificate_tags()
            .server_certificate_name(name)
            .send()
            .await
            .map_err(|error| Failure::new(Peer::Iam, "ListServerCertificateTags", &error))?;
        Ok(answer.tags)
    }

    async fn settle(&self, metadata: &ServerCertificateMetadata, instance: &str) -> Result<(), EffectError> {
        let name = &metadata.server_certificate_name;
        let id = &metadata.server_certificate_id;
        let seen_for = self.store.orphan_seen(OrphanKind::Certificate, id, instance).await?;
        if seen_for < self.orphan_grace {
            tracing::warn!(
                iam_name = name,
                instance,
                grace_left = ?Duration::from_secs(self.orphan_grace.saturating_sub(seen_for).as_secs()),
                "this certificate is orphaned: it is retired. It will be removed"
            );
            return Ok(());
        }
        match self.delete_from_iam(name).await {
            Ok(()) => {
                self.store.orphan_removed(OrphanKind::Certificate, id).await?;
                metrics::counter!("orphans_removed_total", "kind" => "certificate").increment(1);
                tracing::warn!(iam_name = name, instance, "deleted an orphaned certificate");
                Ok(())
            }
            // Whoever uses it is an orphan too, or somebody else's matter: the next turn sees.
            Err(failure) if failure.code() == "DeleteConflict" => {
                tracing::warn!(iam_name = name, instance, "CloudFront uses an orphaned certificate");
                Ok(())
            }
            Err(failure) => Err(failure.into()),
        }
    }
}
