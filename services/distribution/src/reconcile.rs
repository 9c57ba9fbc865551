//! The chore: distributions with our mark and without an owner. A worker died or froze between making one and writing
//! it down, and the instance was removed meanwhile.

use std::time::Duration;

use aws::{COMMENT_PREFIX, DEPLOYMENT_TAG, Failure};
use aws_effects::EffectError;
use aws_sdk_cloudfront::types::{Distribution, DistributionConfig, DistributionSummary};
use store::{OrphanKind, Owner};
use telemetry::with_causes;

use crate::config::switch_off;
use crate::handler::Distributions;

/// After so many in a row that can't be looked at, the fault is not theirs.
const UNREAD: u32 = 3;

/// What is wrong with a distribution that the database doesn't list as an instance's.
enum Finding {
    /// Somebody looks after it, or will.
    Owned,
    /// Provably ours, its instance is removed, and it serves nobody.
    Orphan {
        instance: String,
        distribution: Box<Distribution>,
    },
    /// It says to be ours, but nothing proves that it may go: only told.
    Unexplained(&'static str),
}

impl Distributions {
    pub(crate) async fn reconcile(&self) -> Result<(), EffectError> {
        let (mut orphans, mut unexplained, mut unread) = (0u32, 0u32, 0u32);
        for listed in self.ours().await? {
            // One that can't be looked at, or can't be removed, must not keep the others.
            let finding = match self.look_at(&listed).await {
                Ok(finding) => {
                    unread = 0;
                    finding
                }
                Err(error) if unread < UNREAD => {
                    unread += 1;
                    tracing::warn!(
                        distribution = listed.id,
                        error = with_causes(&error),
                        "can't be looked at"
                    );
                    continue;
                }
                Err(error) => return Err(error),
            };
            match finding {
                Finding::Owned => {}
                Finding::Orphan { instance, distribution } => {
                    orphans += 1;
                    if let Err(error) = self.settle(&distribution, &instance).await {
                        tracing::warn!(distribution = listed.id, error = with_causes(&error), "not removed yet");
                    }
                }
                Finding::Unexplained(why) => {
                    unexplained += 1;
                    tracing::warn!(
                        distribution = listed.id,
                        comment = listed.comment,
                        why,
                        "left alone: look at this distribution, and delete it in CloudFront if nobody needs it"
                    );
                }
            }
        }
        metrics::gauge!("orphans", "kind" => "distribution", "judged" => "to-be-removed").set(orphans);
        metrics::gauge!("orphans", "kind" => "distribution", "judged" => "unexplained").set(unexplained);
        Ok(())
    }

    /// One of the domains whose alias an orphan has: a worker froze in the middle of making that for an instance that was removed
    /// meanwhile. It is removed after its grace.
    pub(crate) async fn kept_by_an_orphan(&self, domains: &[String]) -> Result<Option<String>, EffectError> {
        for listed in self.ours().await? {
            let mut aliases = listed.aliases.iter().flat_map(|aliases| aliases.items());
            let Some(domain) = aliases.find(|alias| domains.contains(alias)) else {
                continue;
            };
            if let Finding::Orphan { .. } = self.look_at(&listed).await? {
                return Ok(Some(domain.clone()));
            }
        }
        Ok(None)
    }

    async fn look_at(&self, listed: &DistributionSummary) -> Result<Finding, EffectError> {
        if self.store.is_instances_distribution(&listed.id).await? {
            return Ok(Finding::Owned);
        }
        match self.cloudfront.distribution(&listed.id).await? {
            Some(distribution) => self.judge(listed, distribution).await,
            // Gone since it was listed.
            None => Ok(Finding::Owned),
        }
    }

    /// Every distribution whose comment is of our kind.
    async fn ours(&self) -> Result<Vec<DistributionSummary>, Failure> {
        let mut ours = Vec::new();
        let mut marker = None;
        loop {
            let page = self.page(marker.take()).await?;
            ours.extend(
                page.items()
                    .iter()
                    .filter(|listed| listed.comment.starts_with(COMMENT_PREFIX))
                    .cloned(),
            );
            match page.next_marker {
                Some(next) if page.is_truncated && !next.is_empty() => marker = Some(next),
                _ => return Ok(ours),
            }
        }
    }

    async fn judge(&self, listed: &DistributionSummary, found: Distribution) -> Result<Finding, EffectError> {
        let deployment = self.store.deployment().await?.to_string();
        match self.cloudfront.tag(&listed.arn, DEPLOYMENT_TAG).await? {
            Some(value) if value == deployment => {}
            // Another broker's in the same account, or somebody's comment.
            _ => return Ok(Finding::Owned),
        }
        let Some(config) = &found.distribution_config else {
            return Ok(Finding::Unexplained("CloudFront doesn't show its configuration"));
        };
        // The caller reference was given at creation and can't change: it, not the comment, names the instance.
        Ok(
            match self.store.owner_of_distribution(&config.caller_reference).await? {
                Owner::Lives => Finding::Owned,
                Owner::Unknown => {
                    Finding::Unexplained("the database doesn't know its instance; was it restored from a backup?")
                }
                // Of one that was never written down nobody was told the name, so nobody's domain leads to it.
                Owner::Gone { instance }
                    if has_aliases(config) && self.store.was_distribution_of(&instance, &found.id).await? =>
                {
                    Finding::Unexplained("its instance is removed, but it has aliases and may serve them")
                }
                Owner::Gone { instance } => Finding::Orphan {
                    instance,
                    distribution: Box::new(found),
                },
            },
        )
    }

    /// After the grace, one step further on its way out: disabled, then deleted once that is deployed.
    async fn settle(&self, found: &Distribution, instance: &str) -> Result<(), EffectError> {
        let id = &found.id;
        let seen_for = self.store.orphan_seen(OrphanKind::Distribution, id, instance).await?;
        if seen_for < self.orphan_grace {
            tracing::warn!(
                distribution = id,
                instance,
                grace_left = ?rest(self.orphan_grace, seen_for),
                "this distribution is orphaned: its instance is removed. It will be removed too"
            );
            return Ok(());
        }
        let Some(mut read) = self.cloudfront.config(id).await? else {
            return Ok(());
        };
        if read.config.enabled {
            switch_off(&mut read.config);
            self.cloudfront.write(id, read).await?;
            tracing::warn!(distribution = id, instance, "disabled an orphaned distribution");
        } else if found.status == "Deployed" {
            self.cloudfront.remove(id, &read.etag).await?;
            self.store.orphan_removed(OrphanKind::Distribution, id).await?;
            metrics::counter!("orphans_removed_total", "kind" => "distribution").increment(1);
            tracing::warn!(distribution = id, instance, "deleted an orphaned distribution");
        }
        Ok(())
    }
}

fn has_aliases(config: &DistributionConfig) -> bool {
    config.aliases.as_ref().is_some_and(|aliases| aliases.quantity > 0)
}

pub(crate) fn rest(grace: Duration, seen_for: Duration) -> Duration {
    Duration::from_secs(grace.saturating_sub(seen_for).as_secs())
}
