//! How long steps usually take, measured by one process for all of them.

use std::time::Duration;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::{Statement, statement};
use crate::steps::as_millis;
use crate::turn::Turn;

impl Store {
    /// Measures how long the steps of each kind took in the last operations that succeeded, if they were last measured longer ago than
    /// `at_most` and no other process is measuring: nobody waits for one that is slow, and one that dies leaves what there was.
    ///
    /// # Errors
    /// Database errors.
    pub async fn count_durations(&self, at_most: Duration) -> Result<(), StoreError> {
        let at_most = as_millis(at_most);
        let client = self.client().await?;
        let recent: bool = counted().one(&client, &[&at_most]).await?.try_get(0)?;
        drop(client);
        if recent {
            return Ok(());
        }
        self.in_transaction("count-durations", async |tx| {
            let mine = Turn::CountDurations.take(tx).await?;
            // Another one may have been faster.
            if mine && !counted().one(tx, &[&at_most]).await?.try_get::<_, bool>(0)? {
                Statement::new("durations-forget", "delete from step_durations")
                    .run(tx, &[])
                    .await?;
                statement!("durations-count").run(tx, &[]).await?;
            }
            Ok(())
        })
        .await
    }
}

/// Whether they were measured no longer ago than so many milliseconds. A database that was restored may have it of a later time. Where
/// nothing has succeeded yet there is nothing to read either, so that is done each time.
fn counted() -> Statement {
    Statement::new(
        "durations-counted",
        "select exists (select from step_durations \
         where counted_at between now() - $1::float8 * interval '1 millisecond' and now())",
    )
}
