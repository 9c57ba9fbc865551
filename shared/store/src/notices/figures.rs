//! What waits to be sent, for gauges.

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::Statement;

/// Letters that wait.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoticeFigures {
    /// How many are due or will be; those that wait for a confirmation are not counted.
    pub waiting: u64,
    /// Seconds since the oldest of them was made, or released by a confirmation; 0 when there is none.
    pub oldest_seconds: f64,
}

impl Store {
    /// Reads the figures.
    ///
    /// # Errors
    /// Database errors.
    pub async fn notice_figures(&self) -> Result<NoticeFigures, StoreError> {
        let client = self.client().await?;
        // A letter's time to be sent begins 4 days before its deadline.
        let row = Statement::new(
            "letters-waiting",
            "select count(*), coalesce(extract(epoch from now() - min(deadline_at - interval '4 days')), 0)::float8 \
             from letters where state = 'waiting'",
        )
        .one(&client, &[])
        .await?;
        let oldest: f64 = row.try_get(1)?;
        Ok(NoticeFigures {
            waiting: u64::try_from(row.try_get::<_, i64>(0)?).unwrap_or_default(),
            oldest_seconds: oldest.max(0.0),
        })
    }
}
