//! Removes certificates with our mark that the database records as retired.

use async_trait::async_trait;
use aws_effects::{EffectError, Finding, Named, Removal, Search};
use certificate_store::{Listed, Removed};
use store::{OrphanKind, Owner};

use crate::handler::Installer;

#[async_trait]
impl Search for Installer {
    const KIND: OrphanKind = OrphanKind::Certificate;
    const WHY: &'static str = "it is retired";
    type Listed = Listed;

    async fn list(&self) -> Result<Vec<Listed>, EffectError> {
        let mut all = Vec::new();
        for (_, certificates) in self.certificates.all() {
            all.extend(certificates.list().await?);
        }
        Ok(all)
    }

    fn named<'l>(&self, listed: &'l Listed) -> Named<'l> {
        Named {
            name: &listed.reference.name,
            id: listed.reference.id(),
            comment: None,
        }
    }

    async fn judge(&self, listed: &Listed) -> Result<Finding, EffectError> {
        let owner = self.store.owner_of_certificate(listed.certificate).await?;
        if owner == Owner::Lives {
            return Ok(Finding::Owned);
        }
        let deployment = self.store.deployment().await?.to_string();
        let certificates = self.certificates.of(listed.reference.store);
        if certificates.deployment(&listed.reference).await? != Some(deployment) {
            return Ok(Finding::Foreign);
        }
        Ok(match owner {
            Owner::Lives => Finding::Owned,
            Owner::Gone { instance } => Finding::Orphan { instance },
            Owner::Unknown => {
                Finding::Unexplained("the database doesn't know this certificate; was it restored from a backup?")
            }
        })
    }

    async fn remove(&self, listed: &Listed) -> Result<Removal, EffectError> {
        let certificates = self.certificates.of(listed.reference.store);
        Ok(match certificates.remove(&listed.reference).await? {
            Removed::Gone => Removal::Removed,
            Removed::InUse => Removal::InUse,
        })
    }
}
