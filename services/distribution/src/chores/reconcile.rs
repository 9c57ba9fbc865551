//! Removes distributions with our mark that have no owner.

use async_trait::async_trait;
use aws::{COMMENT_PREFIX, DEPLOYMENT_TAG, Failure};
use aws_effects::{EffectError, Finding, Named, Removal, Search};
use aws_sdk_cloudfront::types::{Distribution, DistributionConfig, DistributionSummary};
use store::{OrphanKind, Owner};

use crate::config::switch_off;
use crate::distributions::Distributions;

/// The search for distributions.
pub(crate) struct DistributionSearch<'d>(pub(crate) &'d Distributions);

#[async_trait]
impl Search for DistributionSearch<'_> {
    const KIND: OrphanKind = OrphanKind::Distribution;
    const WHY: &'static str = "its instance is removed";
    type Listed = DistributionSummary;

    async fn list(&self) -> Result<Vec<DistributionSummary>, EffectError> {
        Ok(self.0.ours().await?)
    }

    fn named<'l>(&self, listed: &'l DistributionSummary) -> Named<'l> {
        Named {
            name: &listed.id,
            id: &listed.id,
            comment: Some(&listed.comment),
        }
    }

    async fn judge(&self, listed: &DistributionSummary) -> Result<Finding, EffectError> {
        self.0.owner_of(listed).await
    }

    /// The next step of the removal: disables the distribution, then deletes it once that is deployed.
    async fn remove(&self, listed: &DistributionSummary) -> Result<Removal, EffectError> {
        let cloudfront = &self.0.cloudfront;
        let Some(mut read) = cloudfront.config(&listed.id).await? else {
            return Ok(Removal::Waits);
        };
        if read.config.enabled {
            switch_off(&mut read.config);
            cloudfront.write(&listed.id, read).await?;
            return Ok(Removal::Begun("disabled"));
        }
        if listed.status != "Deployed" {
            return Ok(Removal::Waits);
        }
        cloudfront.remove(&listed.id, &read.etag).await?;
        Ok(Removal::Removed)
    }
}

impl Distributions {
    /// One of the domains whose alias an orphan has: a worker froze while it created the distribution for an instance
    /// that was removed in the meantime. The orphan is removed after its grace period.
    pub(crate) async fn kept_by_an_orphan(&self, domains: &[String]) -> Result<Option<String>, EffectError> {
        for listed in self.ours().await? {
            let mut aliases = listed.aliases.iter().flat_map(|aliases| aliases.items());
            let Some(domain) = aliases.find(|alias| domains.contains(alias)) else {
                continue;
            };
            if let Finding::Orphan { .. } = self.owner_of(&listed).await? {
                return Ok(Some(domain.clone()));
            }
        }
        Ok(None)
    }

    /// Every distribution whose comment has our format.
    async fn ours(&self) -> Result<Vec<DistributionSummary>, Failure> {
        let mut all = self.cloudfront.list().await?;
        all.retain(|listed| listed.comment.starts_with(COMMENT_PREFIX));
        Ok(all)
    }

    async fn owner_of(&self, listed: &DistributionSummary) -> Result<Finding, EffectError> {
        if self.store.is_instances_distribution(&listed.id).await? {
            return Ok(Finding::Owned);
        }
        match self.cloudfront.distribution(&listed.id).await? {
            Some(distribution) => self.owner_by_reference(listed, &distribution).await,
            // Gone since it was listed.
            None => Ok(Finding::Foreign),
        }
    }

    async fn owner_by_reference(
        &self,
        listed: &DistributionSummary,
        found: &Distribution,
    ) -> Result<Finding, EffectError> {
        let deployment = self.store.deployment().await?.to_string();
        match self.cloudfront.tag(&listed.arn, DEPLOYMENT_TAG).await? {
            Some(value) if value == deployment => {}
            // Another broker's in the same account, or a comment that somebody wrote.
            _ => return Ok(Finding::Foreign),
        }
        let Some(config) = &found.distribution_config else {
            return Ok(Finding::Unexplained("CloudFront doesn't show its configuration"));
        };
        // The caller reference was set at creation and can't change: it, not the comment, names the instance.
        Ok(
            match self.store.owner_of_distribution(&config.caller_reference).await? {
                Owner::Lives => Finding::Owned,
                Owner::Unknown => {
                    Finding::Unexplained("the database doesn't know its instance; was it restored from a backup?")
                }
                // A distribution that was never recorded: its name was shown to nobody, so no user's domain points to
                // it.
                Owner::Gone { instance }
                    if has_aliases(config) && self.store.was_distribution_of(&instance, &found.id).await? =>
                {
                    Finding::Unexplained("its instance is removed, but it has aliases and may serve them")
                }
                Owner::Gone { instance } => Finding::Orphan { instance },
            },
        )
    }
}

fn has_aliases(config: &DistributionConfig) -> bool {
    config.aliases.as_ref().is_some_and(|aliases| aliases.quantity > 0)
}
