//! What one process does for all of them. Another one that comes meanwhile leaves it to that one, and waits for nothing.

use deadpool_postgres::Transaction;
use pipeline::Service;

use crate::error::StoreError;
use crate::statement::Statement;

/// The turn to do such a thing.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Turn {
    /// To publish the lost wake-ups of a service.
    Sweep(Service),
    /// To count the certificates in use.
    CountCertificates,
    /// To measure how long steps take.
    CountDurations,
    /// To make letters of notices.
    CollectNotices,
    /// To publish the lost wake-ups of letters.
    SweepLetters,
}

impl Turn {
    /// Takes the turn until the transaction ends. `false`: another process has it.
    pub(crate) async fn take(self, tx: &Transaction<'_>) -> Result<bool, StoreError> {
        let row = Statement::new(
            "process-turn",
            "select pg_try_advisory_xact_lock(hashtextextended($1, 2))",
        )
        .one(tx, &[&self.key()])
        .await?;
        Ok(row.try_get(0)?)
    }

    /// What is locked. The same in every version of the programs, which run side by side during an upgrade; locks of claims have the
    /// same seed, and another text.
    fn key(self) -> String {
        match self {
            Self::Sweep(service) => format!("sweep {}", service.as_str()),
            Self::CountCertificates => "certificate count".to_owned(),
            Self::CountDurations => "step durations".to_owned(),
            Self::CollectNotices => "notices".to_owned(),
            Self::SweepLetters => "sweep letters".to_owned(),
        }
    }
}
