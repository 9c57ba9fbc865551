//! A letter's lease: one process has it, for longer than a mail server may take. A step may be tried twice at once, a mail must not.

use std::fmt;
use std::time::Duration;

use ::notices::{Event, Facts};
use deadpool_postgres::Transaction;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::notices::now::{Now, Standing, Still};
use crate::notices::outcome::count_ended;
use crate::statement::{Statement, statement, storable};
use crate::steps::as_millis;

/// What a letter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterKind {
    /// The question whether notices may be sent.
    Confirmation,
    /// Notices.
    Digest,
}

impl LetterKind {
    /// Its name, as in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmation => "confirmation",
            Self::Digest => "digest",
        }
    }
}

/// What came of asking for a letter.
#[derive(Debug)]
pub enum Lease {
    /// It is to be sent.
    Leased(Box<LeasedLetter>),
    /// There is nothing to tell any more, or nobody to be told: that is recorded.
    Moot,
    /// It has ended, is not due, was tried since, or somebody has it.
    Stale,
}

/// A letter that is to be sent now.
#[derive(Clone)]
pub struct LeasedLetter {
    /// Its id.
    pub id: Uuid,
    /// This attempt's number, by which its outcome is recorded.
    pub attempt: i32,
    /// What it is.
    pub kind: LetterKind,
    /// For whom.
    pub recipient: Uuid,
    /// How often that one was asked: for the links.
    pub generation: i32,
    /// Whose notices they are.
    pub tenant: String,
    /// The address, for logs.
    pub shortened: String,
    /// When it was made: its date, whenever it is sent.
    pub created_at: OffsetDateTime,
    /// When it is given up.
    pub deadline_at: OffsetDateTime,
    /// The attempts before this one.
    pub tries: i32,
    /// What is sent, if that was kept by an earlier attempt.
    pub content: Option<String>,
    /// Of notices without content yet: what is still true of them, in the order of their birth.
    pub told: Vec<ToldNotice>,
    /// Of a question without content yet: the instances that want to tell something, the oldest first.
    pub instances: Vec<String>,
    pub(crate) address_digest: Vec<u8>,
    pub(crate) sealed_address: Vec<u8>,
}

/// Neither what it says nor whose address it has is for a log.
impl fmt::Debug for LeasedLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeasedLetter")
            .field("id", &self.id)
            .field("attempt", &self.attempt)
            .field("kind", &self.kind)
            .field("recipient", &self.recipient)
            .field("to", &self.shortened)
            .finish_non_exhaustive()
    }
}

/// A notice in a letter.
#[derive(Debug, Clone)]
pub struct ToldNotice {
    /// The instance.
    pub instance: String,
    /// What happened.
    pub event: Event,
    /// What is known of it.
    pub facts: Facts,
    /// When.
    pub born_at: OffsetDateTime,
    /// The instance's domains; of what has failed, as they were asked for last.
    pub domains: Vec<String>,
    /// CloudFront's name of its distribution, to which domains point.
    pub distribution_domain: Option<String>,
    /// Until when the certificate that is in use now is valid.
    pub certificate_not_after: Option<OffsetDateTime>,
    /// How things stand, where it tells of something that lasts.
    pub now: Option<Box<Now>>,
}

impl Store {
    /// Takes a letter for so long, if it waits, is due, is at this attempt, and nobody has it.
    ///
    /// # Errors
    /// Database errors; then nothing was written.
    pub async fn lease_letter(&self, letter: Uuid, attempt: i32, lease: Duration) -> Result<Lease, StoreError> {
        let leased = self
            .in_transaction("letter-lease", async |tx| {
                let row = statement!("letter-lease")
                    .optional(tx, &[&letter, &attempt, &as_millis(lease)])
                    .await?;
                let Some(row) = row else { return Ok(Lease::Stale) };
                match read(tx, &row).await? {
                    Some(letter) => Ok(Lease::Leased(Box::new(letter))),
                    None => {
                        Statement::new(
                            "letter-moot",
                            "update letters set state = 'moot', ended_at = now(), content = null, leased_until = null \
                             where id = $1",
                        )
                        .run(tx, &[&letter])
                        .await?;
                        Ok(Lease::Moot)
                    }
                }
            })
            .await?;
        if matches!(leased, Lease::Moot) {
            count_ended("moot", 1);
        }
        Ok(leased)
    }

    /// Keeps what is sent, before it is sent: another attempt sends the same.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the letter was tried since, or has ended; database errors.
    pub async fn keep_content(&self, letter: &LeasedLetter, content: &str) -> Result<(), StoreError> {
        let client = self.client().await?;
        let kept = Statement::new(
            "letter-content",
            "update letters set content = $3 where id = $1 and attempt = $2 and state = 'waiting' and leased_until > now()",
        )
        .run(&client, &[&letter.id, &letter.attempt, &storable(content)])
        .await?;
        match kept {
            0 => Err(StoreError::Stale),
            _ => Ok(()),
        }
    }
}

/// The letter, if it is still to be sent.
async fn read(tx: &Transaction<'_>, row: &Row) -> Result<Option<LeasedLetter>, StoreError> {
    let id: Uuid = row.try_get("id")?;
    let recipient: Uuid = row.try_get("recipient_id")?;
    let state: String = row.try_get("recipient_state")?;
    let sealed: Option<Vec<u8>> = row.try_get("sealed_address")?;
    let kind = match row.try_get::<_, String>("kind")?.as_str() {
        "confirmation" => LetterKind::Confirmation,
        "digest" => LetterKind::Digest,
        other => return Err(StoreError::Unreadable(format!("a letter of the kind {other:?}"))),
    };
    let wanted_state = match kind {
        LetterKind::Confirmation => "asked",
        LetterKind::Digest => "confirmed",
    };
    let Some(sealed_address) = sealed.filter(|_| state == wanted_state) else {
        return Ok(None);
    };
    let content: Option<String> = row.try_get("content")?;
    let (mut told, mut instances) = (Vec::new(), Vec::new());
    if content.is_none() {
        match kind {
            LetterKind::Confirmation => instances = who_asks(tx, recipient).await?,
            LetterKind::Digest => told = still_true(tx, id).await?,
        }
        if told.is_empty() && instances.is_empty() {
            return Ok(None);
        }
    }
    let attempt: i32 = row.try_get("attempt")?;
    Ok(Some(LeasedLetter {
        id,
        attempt,
        kind,
        recipient,
        generation: row.try_get("generation")?,
        tenant: row.try_get("tenant")?,
        shortened: row.try_get("shortened")?,
        created_at: row.try_get("created_at")?,
        deadline_at: row.try_get("deadline_at")?,
        tries: attempt - 1,
        content,
        told,
        instances,
        address_digest: row.try_get("address_digest")?,
        sealed_address,
    }))
}

async fn who_asks(tx: &Transaction<'_>, recipient: Uuid) -> Result<Vec<String>, StoreError> {
    let rows = Statement::new(
        "letter-asks",
        "select i.id from instance_recipients l join instances i on i.id = l.instance_id where l.recipient_id = $1 and l.left_at is null \
         order by i.created_at, i.id limit 100",
    )
    .all(tx, &[&recipient])
    .await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

async fn still_true(tx: &Transaction<'_>, letter: Uuid) -> Result<Vec<ToldNotice>, StoreError> {
    let rows = statement!("letter-told").all(tx, &[&letter]).await?;
    let mut standing = Standing::default();
    let mut told: Vec<ToldNotice> = Vec::new();
    for row in &rows {
        let mut notice = notice_from(row)?;
        // What lasts is told as it is now, so once is enough.
        let is_there = |other: &ToldNotice| (&other.instance, &other.facts) == (&notice.instance, &notice.facts);
        match standing.of(tx, &notice.instance, &notice.facts).await? {
            Still::Happened => {}
            Still::Lasts(_) if told.iter().any(is_there) => continue,
            Still::Lasts(now) => notice.now = Some(now),
            Still::Over => continue,
        }
        told.push(notice);
    }
    Ok(told)
}

fn notice_from(row: &Row) -> Result<ToldNotice, StoreError> {
    let event: String = row.try_get("event")?;
    let facts = Facts::from_stored(row.try_get("facts")?);
    let domains: Option<serde_json::Value> = row.try_get("domains")?;
    Ok(ToldNotice {
        instance: row.try_get("instance_id")?,
        event: event.parse::<Event>().map_err(|error| unreadable(&error))?,
        facts: facts.map_err(|error| unreadable(&error))?,
        born_at: row.try_get("born_at")?,
        domains: domains.map(serde_json::from_value).transpose()?.unwrap_or_default(),
        distribution_domain: row.try_get("distribution_domain")?,
        certificate_not_after: row.try_get("certificate_not_after")?,
        now: None,
    })
}

fn unreadable(error: &dyn std::error::Error) -> StoreError {
    StoreError::Unreadable(telemetry::with_causes(error))
}

#[cfg(test)]
impl LeasedLetter {
    /// A letter to a recipient with these.
    pub(crate) fn example(address_digest: &[u8], sealed_address: &[u8]) -> Self {
        Self {
            id: Uuid::from_u128(1),
            attempt: 1,
            kind: LetterKind::Digest,
            recipient: Uuid::from_u128(2),
            generation: 1,
            tenant: "org-1".to_owned(),
            shortened: "o…s@example.com".to_owned(),
            created_at: OffsetDateTime::UNIX_EPOCH,
            deadline_at: OffsetDateTime::UNIX_EPOCH,
            tries: 0,
            content: None,
            told: Vec::new(),
            instances: Vec::new(),
            address_digest: address_digest.to_vec(),
            sealed_address: sealed_address.to_vec(),
        }
    }
}
