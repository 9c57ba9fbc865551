//! The wake-ups of letters: what is due and nobody has, so that RabbitMQ may lose all its messages.

use std::time::Duration;

use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::{Statement, statement};
use crate::steps::as_millis;
use crate::turn::Turn;

/// A message that has a letter tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterWakeUp {
    /// The letter.
    pub letter: Uuid,
    /// Its attempt: a letter that was tried since has another.
    pub attempt: i32,
    /// How long it has to wait.
    pub delay: Duration,
}

impl Store {
    /// At most `most` letters that are due, that nobody has, and that were not published for `grace`; they count as published from now
    /// on. One that is swept again and again is swept at growing intervals: it may be what kills its worker. Only one process sweeps.
    ///
    /// # Errors
    /// Database errors.
    pub async fn sweep_letters(&self, grace: Duration, most: u32) -> Result<Vec<LetterWakeUp>, StoreError> {
        self.in_transaction("letters-sweep", async |tx| {
            if !Turn::SweepLetters.take(tx).await? {
                return Ok(Vec::new());
            }
            let rows = statement!("letters-sweep")
                .all(tx, &[&as_millis(grace), &i64::from(most)])
                .await?;
            rows.iter()
                .map(|row| {
                    Ok(LetterWakeUp {
                        letter: row.try_get("id")?,
                        attempt: row.try_get("attempt")?,
                        delay: Duration::ZERO,
                    })
                })
                .collect()
        })
        .await
    }

    /// Records that these wake-ups could not be published: the next sweep takes them without waiting for its grace.
    ///
    /// # Errors
    /// Database errors; the sweep then takes them after its grace.
    pub async fn letters_not_published(&self, wake_ups: &[LetterWakeUp]) -> Result<(), StoreError> {
        let client = self.client().await?;
        let letters: Vec<Uuid> = wake_ups.iter().map(|wake_up| wake_up.letter).collect();
        let attempts: Vec<i32> = wake_ups.iter().map(|wake_up| wake_up.attempt).collect();
        // By the attempt: a letter that was tried meanwhile has another wake-up.
        Statement::new(
            "letters-not-published",
            "update letters l set rung_at = null from unnest($1::uuid[], $2::integer[]) as lost(id, attempt) \
             where l.id = lost.id and l.attempt = lost.attempt and l.state = 'waiting'",
        )
        .run(&client, &[&letters, &attempts])
        .await?;
        Ok(())
    }
}
