//! Deletes the history of renewals, which would otherwise grow forever: with a certificate lifetime of 64 days an
//! instance has six renewals a year, each with a step for each domain.

use std::time::Duration;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::Statement;
use crate::steps::as_millis;

/// The number of renewals deleted in one transaction.
const AT_ONCE: i64 = 200;

/// Renewals that ended that long ago, and whose certificates, if any were issued, are out of IAM and expired as long
/// ago.
const FORGOTTEN: &str = "select o.id from operations o where o.kind = 'renew' \
     and o.ended_at < now() - $1::float8 * interval '1 millisecond' \
     and not exists (select from orders r join certificates c on c.order_id = r.id where r.operation_id = o.id \
       and (c.retired_at is null or c.not_after > now() - $1::float8 * interval '1 millisecond')) \
     order by o.ended_at limit $2 for update skip locked";

impl Store {
    /// Deletes renewals that ended longer than `kept` ago, with their steps, orders and certificates; nothing that is
    /// in use, and nothing that a user requested. At most a few hundred at once: `true` when there may be more.
    ///
    /// # Errors
    /// Database errors; then nothing was deleted.
    pub async fn forget_renewals(&self, kept: Duration) -> Result<bool, StoreError> {
        self.in_transaction("forget-renewals", async |tx| {
            let rows = Statement::new("history-forgotten-renewals", FORGOTTEN)
                .all(tx, &[&as_millis(kept), &AT_ONCE])
                .await?;
            let operations: Vec<uuid::Uuid> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
            for delete in [
                Statement::new(
                    "history-delete-certificates",
                    "delete from certificates c using orders r where r.id = c.order_id and r.operation_id = any($1)",
                ),
                Statement::new(
                    "history-delete-orders",
                    "delete from orders where operation_id = any($1)",
                ),
                Statement::new("history-delete-steps", "delete from steps where operation_id = any($1)"),
                Statement::new("history-delete-operations", "delete from operations where id = any($1)"),
            ] {
                delete.run(tx, &[&operations]).await?;
            }
            Ok(i64::try_from(operations.len()).is_ok_and(|count| count == AT_ONCE))
        })
        .await
    }
}
