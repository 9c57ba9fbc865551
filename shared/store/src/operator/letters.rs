//! Letters, for the operator: what is sent to whom, what does not get out, and the two things that can be done about it.

use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::audit::{Acting, Action, Entry};
use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::{Statement, statement};

/// A letter. Neither its address nor what it says is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LetterLine {
    /// Its id.
    pub id: Uuid,
    /// `confirmation` or `digest`.
    pub kind: String,
    /// `held`, `waiting`, `sent`, `given-up` or `moot`.
    pub state: String,
    /// Whose notices they are.
    pub tenant: String,
    /// For whom.
    pub recipient: Uuid,
    /// The address, shortened.
    pub to: String,
    /// Where the address stands.
    pub recipient_state: String,
    /// How often it was tried.
    pub attempt: i32,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it is tried next, if it waits.
    #[serde(with = "time::serde::rfc3339::option")]
    pub due_at: Option<OffsetDateTime>,
    /// When it ended, if it has.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ended_at: Option<OffsetDateTime>,
    /// What the mail server said last, or why there was no answer.
    pub answer: Option<String>,
    /// It may have been sent twice.
    pub maybe_doubled: bool,
}

/// A notice in a letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoticeLine {
    /// The instance.
    pub instance: String,
    /// What happened.
    pub event: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub born_at: OffsetDateTime,
}

/// What can be asked of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LetterFilter<'f> {
    /// Only those with news of this instance.
    pub instance: Option<&'f str>,
    /// Only those that are not sent.
    pub unsent: bool,
    /// At most so many.
    pub limit: i64,
}

impl Store {
    /// Letters, the newest first.
    ///
    /// # Errors
    /// Database errors.
    pub async fn letters(&self, filter: &LetterFilter<'_>) -> Result<Vec<LetterLine>, StoreError> {
        let rows = self.letter_rows(None, filter).await?;
        rows.iter().map(line_from).collect()
    }

    async fn letter_rows(&self, only: Option<Uuid>, filter: &LetterFilter<'_>) -> Result<Vec<Row>, StoreError> {
        let client = self.client().await?;
        statement!("operator-letters")
            .all(&client, &[&only, &filter.instance, &filter.unsent, &filter.limit])
            .await
    }

    /// One letter, and what it tells. `None`: it is unknown, or was pruned.
    ///
    /// # Errors
    /// Database errors.
    pub async fn letter(&self, id: Uuid) -> Result<Option<(LetterLine, Vec<NoticeLine>)>, StoreError> {
        let any = LetterFilter {
            instance: None,
            unsent: false,
            limit: 1,
        };
        let rows = self.letter_rows(Some(id), &any).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let client = self.client().await?;
        let notices = Statement::new(
            "operator-letter-notices",
            "select n.instance_id, n.event, n.born_at from letter_notices m join notices n on n.id = m.notice_id \
             where m.letter_id = $1 order by n.born_at, n.id",
        )
        .all(&client, &[&id])
        .await?;
        let notices = notices.iter().map(|row| {
            Ok(NoticeLine {
                instance: row.try_get("instance_id")?,
                event: row.try_get("event")?,
                born_at: row.try_get("born_at")?,
            })
        });
        Ok(Some((line_from(row)?, notices.collect::<Result<_, StoreError>>()?)))
    }
}

impl Acting<'_> {
    /// Has a letter that waits, or was given up, sent by the next sweep; a question also when its address was refused, and with 7 days again for
    /// the answer. `None`: it was sent, is moot, waits for a confirmation, is being sent, or is unknown.
    ///
    /// # Errors
    /// Database errors.
    pub async fn retry_letter(&self, id: Uuid) -> Result<Option<String>, StoreError> {
        self.in_transaction("letter-retry", async |tx| {
            statement!("letter-ask-again").run(tx, &[&id]).await?;
            let row = statement!("letter-retry").optional(tx, &[&id]).await?;
            let Some(row) = row else { return Ok(None) };
            let to: String = row.try_get("shortened")?;
            let entry = Entry {
                subject: Some(&to),
                details: json!({"letter": id}),
                ..Entry::of(Action::RetryLetter)
            };
            self.note(tx, entry).await?;
            Ok(Some(to))
        })
        .await
    }

    /// Forgets an address: nothing is sent there any more, and no instance of the organization tells it anything. Returns its shortened form;
    /// `None`: it is unknown.
    ///
    /// # Errors
    /// Database errors.
    pub async fn forget_recipient(&self, id: Uuid) -> Result<Option<String>, StoreError> {
        self.in_transaction("recipient-forget", async |tx| {
            let row = Statement::new(
                "recipient-forget",
                "delete from recipients where id = $1 returning shortened",
            )
            .optional(tx, &[&id])
            .await?;
            let Some(row) = row else { return Ok(None) };
            let to: String = row.try_get("shortened")?;
            let entry = Entry {
                subject: Some(&to),
                details: json!({"recipient": id}),
                ..Entry::of(Action::ForgetRecipient)
            };
            self.note(tx, entry).await?;
            Ok(Some(to))
        })
        .await
    }
}

fn line_from(row: &Row) -> Result<LetterLine, StoreError> {
    Ok(LetterLine {
        id: row.try_get("id")?,
        kind: row.try_get("kind")?,
        state: row.try_get("state")?,
        tenant: row.try_get("tenant")?,
        recipient: row.try_get("recipient_id")?,
        to: row.try_get("shortened")?,
        recipient_state: row.try_get("recipient_state")?,
        attempt: row.try_get("attempt")?,
        created_at: row.try_get("created_at")?,
        due_at: row.try_get("due_at")?,
        ended_at: row.try_get("ended_at")?,
        answer: row.try_get("answer")?,
        maybe_doubled: row.try_get("maybe_doubled")?,
    })
}
