//! How an attempt to send a letter ended. Whatever locks a recipient and a letter locks the recipient first.

use std::time::Duration;

use deadpool_postgres::Transaction;
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::notices::lease::{LeasedLetter, LetterKind};
use crate::notices::sweep::LetterWakeUp;
use crate::statement::{Statement, storable};
use crate::steps::as_millis;

/// A mail server has refused an address for good so many times: nothing is sent there any more.
const REFUSALS: i32 = 3;

/// Counts letters that have ended; the transaction is committed.
pub(crate) fn count_ended(outcome: &'static str, letters: u64) {
    if letters > 0 {
        metrics::counter!("letters_total", "channel" => "mail", "outcome" => outcome).increment(letters);
    }
}

impl Store {
    /// The mail server has taken the letter. A question is asked from now on: the 7 days of its answer begin, however long it has waited to be sent.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the letter was tried since, or has ended; database errors.
    pub async fn letter_sent(&self, letter: &LeasedLetter, answer: &str) -> Result<(), StoreError> {
        self.in_transaction("letter-sent", async |tx| {
            lock_recipient(tx, letter.recipient).await?;
            end(tx, letter, "sent", answer).await?;
            Statement::new(
                "recipient-reached",
                "update recipients set refusals = 0, asked_at = case when $2 then now() else asked_at end \
                 where id = $1 and ($2 or refusals > 0)",
            )
            .run(tx, &[&letter.recipient, &is_question(letter)])
            .await?;
            Ok(())
        })
        .await?;
        count_ended("sent", 1);
        Ok(())
    }

    /// The letter is sent later: the wake-up has to be published. `None`: that is past its deadline, and it is given up. `maybe_doubled`:
    /// the mail server may have taken it, but has not said so.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the letter was tried since, or has ended; database errors.
    pub async fn letter_waits(
        &self,
        letter: &LeasedLetter,
        after: Duration,
        answer: &str,
        maybe_doubled: bool,
    ) -> Result<Option<LetterWakeUp>, StoreError> {
        let waits = self
            .in_transaction("letter-waits", async |tx| {
                let waits = Statement::new(
                    "letter-waits",
                    "update letters set due_at = now() + $3::float8 * interval '1 millisecond', rung_at = now(), swept = 0, \
                     leased_until = null, answer = $4, maybe_doubled = maybe_doubled or $5 \
                     where id = $1 and attempt = $2 and state = 'waiting' \
                     and deadline_at > now() + $3::float8 * interval '1 millisecond'",
                )
                .run(
                    tx,
                    &[
                        &letter.id,
                        &letter.attempt,
                        &as_millis(after),
                        &storable(answer),
                        &maybe_doubled,
                    ],
                )
                .await?;
                if waits == 0 {
                    end(tx, letter, "given-up", answer).await?;
                }
                Ok(waits > 0)
            })
            .await?;
        if maybe_doubled {
            metrics::counter!("letters_maybe_doubled_total").increment(1);
        }
        if !waits {
            count_ended("given-up", 1);
            return Ok(None);
        }
        Ok(Some(LetterWakeUp {
            letter: letter.id,
            attempt: letter.attempt,
            delay: after,
        }))
    }

    /// The letter is given up. `refused`: the mail server says that the address is none of its own. After that nothing is sent there any
    /// more: at once if it was the question, which is asked once, else the third time in a row.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the letter was tried since, or has ended; database errors.
    pub async fn letter_given_up(&self, letter: &LeasedLetter, answer: &str, refused: bool) -> Result<(), StoreError> {
        self.in_transaction("letter-given-up", async |tx| {
            lock_recipient(tx, letter.recipient).await?;
            end(tx, letter, "given-up", answer).await?;
            if refused {
                Statement::new(
                    "recipient-refused",
                    "update recipients set refusals = refusals + 1, \
                     state = case when (refusals + 1 >= $2 or $3) and state in ('asked', 'confirmed') then 'refused' else state end \
                     where id = $1",
                )
                .run(tx, &[&letter.recipient, &REFUSALS, &is_question(letter)])
                .await?;
            }
            Ok(())
        })
        .await?;
        count_ended("given-up", 1);
        Ok(())
    }
}

fn is_question(letter: &LeasedLetter) -> bool {
    letter.kind == LetterKind::Confirmation
}

pub(super) async fn lock_recipient(tx: &Transaction<'_>, recipient: Uuid) -> Result<(), StoreError> {
    Statement::new("recipient-lock", "select 1 from recipients where id = $1 for update")
        .run(tx, &[&recipient])
        .await?;
    Ok(())
}

async fn end(tx: &Transaction<'_>, letter: &LeasedLetter, state: &str, answer: &str) -> Result<(), StoreError> {
    let ended = Statement::new(
        "letter-end",
        "update letters set state = $3, ended_at = now(), content = null, leased_until = null, answer = $4 \
         where id = $1 and attempt = $2 and state = 'waiting'",
    )
    .run(tx, &[&letter.id, &letter.attempt, &state, &storable(answer)])
    .await?;
    match ended {
        0 => Err(StoreError::Stale),
        _ => Ok(()),
    }
}
