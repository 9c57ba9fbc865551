//! A temporary log filter that every service uses instead of its `RUST_LOG`.

use std::time::Duration;

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::audit::{Acting, Action, Entry};
use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::Statement;

/// The log filter, and when it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLevel {
    /// Tracing directives: `info,distribution=debug`.
    pub directives: String,
    /// From then on `RUST_LOG` applies again.
    pub until: OffsetDateTime,
}

impl Store {
    /// The current filter; `None` when none is set, or it has ended.
    ///
    /// # Errors
    /// Database errors.
    pub async fn log_level(&self) -> Result<Option<LogLevel>, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "log-level",
            "select directives, until from log_level where until > now()",
        )
        .optional(&client, &[])
        .await?;
        row.map(|row| {
            Ok(LogLevel {
                directives: row.try_get("directives")?,
                until: row.try_get("until")?,
            })
        })
        .transpose()
    }
}

impl Acting<'_> {
    /// Sets the filter for this duration, from now.
    ///
    /// # Errors
    /// Database errors.
    pub async fn set_log_level(&self, directives: &str, lasting: Duration) -> Result<LogLevel, StoreError> {
        self.in_transaction("set-log-level", async |tx| {
            let row = Statement::new(
                "log-level-set",
                "insert into log_level (directives, until) values ($1, now() + $2 * interval '1 second') \
                 on conflict (single) do update set directives = excluded.directives, until = excluded.until \
                 returning until",
            )
            .one(tx, &[&directives, &lasting.as_secs_f64()])
            .await?;
            let until: OffsetDateTime = row.try_get("until")?;
            let entry = Entry {
                subject: Some(directives),
                details: json!({"until": until.format(&Rfc3339).ok()}),
                ..Entry::of(Action::SetLogLevel)
            };
            self.note(tx, entry).await?;
            Ok(LogLevel {
                directives: directives.to_owned(),
                until,
            })
        })
        .await
    }

    /// Removes the filter.
    ///
    /// # Errors
    /// Database errors.
    pub async fn reset_log_level(&self) -> Result<(), StoreError> {
        self.in_transaction("reset-log-level", async |tx| {
            // One that has ended is in effect no more.
            let ended = Statement::new(
                "log-level-reset",
                "delete from log_level returning directives, until > now() as in_effect",
            )
            .optional(tx, &[])
            .await?;
            if let Some(row) = ended
                && row.try_get("in_effect")?
            {
                let directives: String = row.try_get("directives")?;
                let entry = Entry {
                    subject: Some(&directives),
                    ..Entry::of(Action::ResetLogLevel)
                };
                self.note(tx, entry).await?;
            }
            Ok(())
        })
        .await
    }
}
