//! What IAM was last seen to hold.

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::Statement;

impl Store {
    /// Writes down how many server certificates the AWS account holds, and how many it may.
    ///
    /// # Errors
    /// Database errors.
    pub async fn set_iam_usage(&self, server_certificates: u32, quota: u32) -> Result<(), StoreError> {
        let client = self.client().await?;
        Statement::new(
            "iam-usage-set",
            "insert into iam_usage (server_certificates, quota, read_at) values ($1::bigint, $2::bigint, now()) \
             on conflict (only_row) do update set server_certificates = excluded.server_certificates, \
             quota = excluded.quota, read_at = excluded.read_at",
        )
        .run(&client, &[&i64::from(server_certificates), &i64::from(quota)])
        .await?;
        Ok(())
    }
}
