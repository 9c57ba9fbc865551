//! The number of certificates last seen in each certificate store.

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::Statement;

impl Store {
    /// Records how many certificates the store of that name holds and how many it may hold.
    ///
    /// # Errors
    /// Database errors.
    pub async fn set_certificate_store_usage(&self, store: &str, held: u32, quota: u32) -> Result<(), StoreError> {
        let client = self.client().await?;
        Statement::new(
            "certificate-store-usage-set",
            "insert into certificate_store_usage (store, held, quota, read_at) values ($1, $2::bigint, $3::bigint, now()) \
             on conflict (store) do update set held = excluded.held, quota = excluded.quota, read_at = excluded.read_at",
        )
        .run(&client, &[&store, &i64::from(held), &i64::from(quota)])
        .await?;
        Ok(())
    }
}
