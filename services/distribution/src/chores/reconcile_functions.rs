//! Removes functions of this database's instances that are no longer needed: the instance was removed while the
//! function was created, or its update failed.
//!
//! A function's name is in the database before the function is in CloudFront, and stays there: it alone proves the
//! owner.

use async_trait::async_trait;
use aws::{FUNCTION_PREFIX, Failure, Peer};
use aws_effects::{EffectError, Finding, Named, Search};
use aws_sdk_cloudfront::types::FunctionStage;
use store::{OrphanKind, Owner};

use crate::distributions::Distributions;
use crate::function::Removal;

/// The search for functions.
pub(crate) struct FunctionSearch<'d>(pub(crate) &'d Distributions);

#[async_trait]
impl Search for FunctionSearch<'_> {
    const KIND: OrphanKind = OrphanKind::Function;
    const WHY: &'static str = "its instance is removed or does without";
    type Listed = String;

    async fn list(&self) -> Result<Vec<String>, EffectError> {
        // The right to list functions is not required where no instance redirects.
        if !self.0.store.any_function().await? {
            return Ok(Vec::new());
        }
        Ok(self.0.our_functions().await?)
    }

    fn named<'l>(&self, name: &'l String) -> Named<'l> {
        Named {
            name,
            id: name,
            comment: None,
        }
    }

    async fn judge(&self, name: &String) -> Result<Finding, EffectError> {
        Ok(match self.0.store.owner_of_function(name).await? {
            Owner::Lives => Finding::Owned,
            // Another broker's in the same account.
            Owner::Unknown => Finding::Foreign,
            Owner::Gone { instance } => Finding::Orphan { instance },
        })
    }

    async fn remove(&self, name: &String) -> Result<aws_effects::Removal, EffectError> {
        // CloudFront doesn't delete a function that is in use after all; a function that was created again has another
        // ETag.
        let removal = match self.0.function_version(name).await? {
            Some(etag) => self.0.delete_function(name, etag).await?,
            None => Removal::Absent,
        };
        Ok(match removal {
            Removal::Removed | Removal::Absent => aws_effects::Removal::Removed,
            Removal::InUse => aws_effects::Removal::InUse,
        })
    }
}

impl Distributions {
    /// Names of all functions that follow our naming.
    async fn our_functions(&self) -> Result<Vec<String>, Failure> {
        const ACTION: &str = "ListFunctions";
        let mut names = Vec::new();
        let mut marker = None;
        loop {
            let call = self.cloudfront.client().list_functions().set_marker(marker.take());
            // Every function has this stage.
            let page = call
                .stage(FunctionStage::Development)
                .send()
                .await
                .map_err(|error| Failure::new(Peer::CloudFront, ACTION, &error))?
                .function_list
                .ok_or_else(|| Failure::incomplete(Peer::CloudFront, ACTION, "list"))?;
            let all = page.items.unwrap_or_default().into_iter().map(|listed| listed.name);
            names.extend(all.filter(|name| name.starts_with(FUNCTION_PREFIX)));
            match page.next_marker {
                Some(next) if !next.is_empty() => marker = Some(next),
                _ => return Ok(names),
            }
        }
    }
}
