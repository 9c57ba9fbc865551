//! What is not needed any more: letters after 30 days, and addresses as soon as nothing is sent there.

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::{Statement, statement};

impl Store {
    /// Deletes letters that ended 30 days ago, notices as old that are in none (those of what may last longer, so that it is not told again, after
    /// a year), and recipients whom nobody tells anything; wipes addresses that
    /// have not answered within 7 days, or that nobody needs. Returns how many rows. Any process may do it, at any time.
    ///
    /// # Errors
    /// Database errors; what was pruned before stays so.
    pub async fn prune_notices(&self) -> Result<u64, StoreError> {
        self.in_transaction("notices-prune", async |tx| {
            let mut rows = 0;
            for prune in [
                Statement::new(
                    "letters-prune",
                    "delete from letters where id in (select id from letters where ended_at < now() - interval '30 days' \
                     limit 1000 for update skip locked)",
                ),
                Statement::new(
                    "notices-prune",
                    "delete from notices where id in (select n.id from notices n where n.collected_at < now() - interval '30 days' \
                     and (n.event not in ('todo', 'trouble') or n.collected_at < now() - interval '1 year') \
                     and not exists (select from letter_notices m where m.notice_id = n.id) limit 1000 for update skip locked)",
                ),
                // The last notices of an instance that is removed are told first.
                Statement::new(
                    "recipients-of-removed",
                    "delete from instance_recipients l using instances i \
                     where i.id = l.instance_id and i.deleted_at < now() - interval '1 day' \
                     and not exists (select from notices n where n.instance_id = i.id and n.collected_at is null)",
                ),
                statement!("recipients-wipe"),
                statement!("recipients-prune"),
            ] {
                rows += prune.run(tx, &[]).await?;
            }
            Ok(rows)
        })
        .await
    }
}
