//! A task's writes to CloudFront: between reading and writing, the database is asked whether the task is still current.
//! A worker that wakes up late is stopped either there or by the ETag of what was written since.

use aws::{CloudFront, ReadConfig};
use store::{Store, Task};

use crate::error::EffectError;

/// CloudFront, for writes of a task.
#[derive(Clone, Copy)]
pub struct Fenced<'f> {
    /// The client that writes.
    pub cloudfront: &'f CloudFront,
    /// The store that knows whether the task is current.
    pub store: &'f Store,
    /// The task that writes.
    pub task: &'f Task,
}

impl Fenced<'_> {
    /// Writes back a configuration that was read and changed.
    ///
    /// # Errors
    /// The task is no longer current, or `UpdateDistribution` failed.
    pub async fn update(&self, id: &str, changed: ReadConfig) -> Result<(), EffectError> {
        self.store.ensure_current(self.task).await?;
        Ok(self.cloudfront.write(id, changed).await?)
    }

    /// Moves an alias to the distribution from the one that has it; no ETag fences this call.
    ///
    /// # Errors
    /// The task is no longer current, or `AssociateAlias` failed.
    pub async fn associate_alias(&self, id: &str, alias: &str) -> Result<(), EffectError> {
        self.store.ensure_current(self.task).await?;
        Ok(self.cloudfront.associate_alias(id, alias).await?)
    }

    /// Deletes the distribution.
    ///
    /// # Errors
    /// The task is no longer current, or `DeleteDistribution` failed.
    pub async fn delete(&self, id: &str, etag: &str) -> Result<(), EffectError> {
        self.store.ensure_current(self.task).await?;
        Ok(self.cloudfront.remove(id, etag).await?)
    }
}
