//! The births of what nobody writes when it comes, since only time passes: a user who does not act, and a certificate that is not renewed. A chore
//! looks for them. Each is a statement of its own, so that none waits for another instance's work with locks of its own; one that is repeated,
//! or comes from two processes, bears nothing twice.

use std::time::Duration;

use pipeline::renewal::newest_mark;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::notices::births;
use crate::operator::ASKS_USER;
use crate::statement::statement;
use crate::steps::as_millis;

/// The most certificates that are told of in one run: the next ones have their turn in the next.
const A_RUN: usize = 500;

impl Store {
    /// Bears notices of the creations and updates that wait for their user and were requested `todo_after` ago, once, and once more a day before
    /// they end; and of the certificates that can't be renewed, at their [newest mark](newest_mark). Returns how
    /// many were found that had not been told.
    ///
    /// # Errors
    /// Database errors; what was born before stays so.
    pub async fn remind(&self, todo_after: Duration) -> Result<usize, StoreError> {
        let client = self.client().await?;
        let waiting = statement!("notices-todo")
            .with("asks_user", ASKS_USER)
            .all(&client, &[&as_millis(todo_after)])
            .await?;
        for row in &waiting {
            births::todo(
                &client,
                row.try_get("instance_id")?,
                row.try_get("id")?,
                row.try_get("mark")?,
            )
            .await?;
        }
        let mut in_trouble = Vec::new();
        for row in statement!("notices-trouble").all(&client, &[]).await? {
            in_trouble.extend(Trouble::of(&row)?);
        }
        in_trouble.truncate(A_RUN);
        for trouble in &in_trouble {
            births::trouble(&client, &trouble.instance, trouble.certificate, &trouble.key).await?;
        }
        Ok(waiting.len() + in_trouble.len())
    }
}

/// A certificate of which something is to be told.
struct Trouble {
    instance: String,
    certificate: Uuid,
    key: String,
}

impl Trouble {
    /// `None`: it is too early, or was told.
    fn of(row: &Row) -> Result<Option<Self>, StoreError> {
        let certificate: Uuid = row.try_get("certificate")?;
        let (due, ends): (OffsetDateTime, OffsetDateTime) = (row.try_get("renew_at")?, row.try_get("not_after")?);
        let Some(mark) = newest_mark(due, ends, row.try_get("read_at")?) else {
            return Ok(None);
        };
        let key = format!("trouble/{certificate}/{}", mark.as_str());
        let told: Vec<String> = row.try_get("told")?;
        if told.contains(&key) {
            return Ok(None);
        }
        Ok(Some(Self {
            instance: row.try_get("instance_id")?,
            certificate,
            key,
        }))
    }
}
