//! Who has status pages open: of these instances, and of no others, PostgreSQL notifies changes.

use std::collections::HashMap;

use crate::connection::Store;
use crate::error::StoreError;
use crate::listener::Listener;
use crate::statement::{Session, Statement, statement};

/// A connection of its own, on which PostgreSQL notifies changes of the pages that are open.
pub struct PageFeed(Listener);

impl Store {
    /// Somebody has the instance's page open for the next minute. Returns a number that changes with what the page depends on.
    ///
    /// # Errors
    /// Database errors.
    pub async fn watch_page(&self, instance: &str) -> Result<i64, StoreError> {
        let client = self.client().await?;
        let versions = renew(&client, &[instance.to_owned()]).await?;
        versions
            .into_values()
            .next()
            .ok_or_else(|| StoreError::Unreadable("a page that was to be watched is not".to_owned()))
    }

    /// Connects for the changes of open pages. None is missed from then on, of an instance that is watched before it is changed.
    ///
    /// # Errors
    /// When PostgreSQL can't be reached, or refuses.
    pub async fn page_feed(&self) -> Result<PageFeed, StoreError> {
        let listen = Statement::new("page-listen", "listen cdn_broker_page");
        Ok(PageFeed(self.listener(listen).await?))
    }
}

impl PageFeed {
    /// Somebody has the pages of these instances open for another minute. Returns of each the number that changes with what its page
    /// depends on.
    ///
    /// # Errors
    /// Database errors.
    pub async fn renew(&self, instances: &[String]) -> Result<HashMap<String, i64>, StoreError> {
        let versions = renew(&self.0.client, instances).await?;
        Statement::new(
            "page-watches-end",
            "delete from page_watches where instance_id in \
             (select instance_id from page_watches where until < now() for update skip locked)",
        )
        .run(&self.0.client, &[])
        .await?;
        Ok(versions)
    }

    /// Waits for the next change. Of which instance it is.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn changed(&mut self) -> Result<String, StoreError> {
        self.0.next().await
    }
}

async fn renew(on: &impl Session, instances: &[String]) -> Result<HashMap<String, i64>, StoreError> {
    let rows = statement!("page-watches-renew").all(on, &[&instances]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("instance_id")?, row.try_get("version")?)))
        .collect()
}
