//! The same chore for functions: those of this database's instances that nobody needs. A worker died or froze while it made
//! one, and the instance was removed meanwhile, or its update failed.
//!
//! A function's name is in the database before the function is in CloudFront, and stays there: it alone proves whose it is.

use aws::{FUNCTION_PREFIX, Failure, Peer};
use aws_effects::EffectError;
use aws_sdk_cloudfront::types::FunctionStage;
use store::{OrphanKind, Owner};
use telemetry::with_causes;

use crate::function::Removal;
use crate::handler::Distributions;
use crate::reconcile::rest;

impl Distributions {
    pub(crate) async fn reconcile_functions(&self) -> Result<(), EffectError> {
        // No right to list functions is needed where nobody redirects.
        if !self.store.any_function().await? {
            return Ok(());
        }
        let (mut orphans, mut living) = (0u32, Vec::new());
        for name in self.our_functions().await? {
            let instance = match self.store.owner_of_function(&name).await? {
                // Unknown: another broker's in the same account.
                Owner::Unknown => continue,
                Owner::Lives => {
                    living.push(name);
                    continue;
                }
                Owner::Gone { instance } => instance,
            };
            orphans += 1;
            // One that can't be removed must not keep the others.
            if let Err(error) = self.settle_orphan(&name, &instance).await {
                tracing::warn!(function = name, error = with_causes(&error), "not removed yet");
            }
        }
        self.store.no_orphans(OrphanKind::Function, &living).await?;
        metrics::gauge!("orphans", "kind" => "function", "judged" => "to-be-removed").set(orphans);
        Ok(())
    }

    /// Names of all functions that are called as ours are.
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

    async fn settle_orphan(&self, name: &str, instance: &str) -> Result<(), EffectError> {
        let seen_for = self.store.orphan_seen(OrphanKind::Function, name, instance).await?;
        if seen_for < self.orphan_grace {
            tracing::warn!(
                function = name,
                instance,
                grace_left = ?rest(self.orphan_grace, seen_for),
                "this function is orphaned: its instance is removed or does without. It will be removed too"
            );
            return Ok(());
        }
        // One that is in use after all, CloudFront doesn't delete; one that is made anew has another ETag.
        let removal = match self.function_version(name).await? {
            Some(etag) => self.delete_function(name, etag).await?,
            None => Removal::Absent,
        };
        if removal == Removal::InUse {
            tracing::warn!(function = name, instance, "CloudFront uses an orphaned function");
            return Ok(());
        }
        self.store.orphan_removed(OrphanKind::Function, name).await?;
        metrics::counter!("orphans_removed_total", "kind" => "function").increment(1);
        tracing::warn!(function = name, instance, "deleted an orphaned function");
        Ok(())
    }
}
