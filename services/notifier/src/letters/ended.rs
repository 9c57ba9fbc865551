//! What came of an attempt, and its record.

use std::time::Duration;

use pipeline::Schedule;
use store::{LeasedLetter, LetterWakeUp, StoreError};
use telemetry::with_causes;
use worker::Desk;

use crate::letters::Letters;
use crate::smtp::{Trouble, Verdict, verdict};

/// The pause before a record is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// What came of an attempt.
#[derive(Debug)]
pub(super) enum Ended {
    /// The server has it; its words.
    Sent(String),
    /// It is tried again.
    Again {
        after: Duration,
        answer: String,
        maybe_doubled: bool,
    },
    /// It is given up.
    GivenUp { answer: String, refused: bool },
    /// Another process has it.
    TakenOver,
}

impl Ended {
    /// It is tried again for a reason of our own: no server had it.
    pub(super) fn again(letter: &LeasedLetter, retry: &Schedule, answer: String) -> Self {
        Self::Again {
            after: delay(letter, retry),
            answer,
            maybe_doubled: false,
        }
    }

    /// It will never be sent.
    pub(super) fn given_up(answer: &str, refused: bool) -> Self {
        Self::GivenUp {
            answer: answer.to_owned(),
            refused,
        }
    }

    /// The server didn't take it.
    pub(super) fn of(letter: &LeasedLetter, retry: &Schedule, trouble: &Trouble, address: &str) -> Self {
        let answer = trouble.without(address, &letter.shortened);
        match verdict(trouble.phase, trouble.answer) {
            Verdict::Again {
                maybe_doubled,
                operators,
            } => {
                if operators {
                    tracing::error!(
                        answer,
                        "the mail server refuses what we are, not this mail: check SMTP_URL and SMTP_FROM"
                    );
                }
                Self::Again {
                    after: delay(letter, retry),
                    answer,
                    maybe_doubled,
                }
            }
            Verdict::GivenUp { refused } => Self::GivenUp { answer, refused },
        }
    }
}

fn delay(letter: &LeasedLetter, retry: &Schedule) -> Duration {
    let tries = u32::try_from(letter.tries).unwrap_or_default();
    retry.delay(tries, Duration::ZERO)
}

/// Records it, and again until PostgreSQL is back: the mail of a server that has it would be sent twice otherwise. What was not sent is left to the end
/// of its lease when this process is to end. Returns the wake-up of the next attempt.
pub(super) async fn record(
    desk: &Desk<Letters>,
    letter: &LeasedLetter,
    ended: &Ended,
) -> Result<Option<LetterWakeUp>, StoreError> {
    tell(ended);
    loop {
        match write(desk, letter, ended).await {
            Err(StoreError::Stale) => {
                match ended {
                    Ended::Sent(_) => tracing::warn!("sent, but another attempt has begun: it may be sent twice"),
                    _ => tracing::warn!("not recorded: another attempt has begun, or the letter has ended"),
                }
                return Ok(None);
            }
            Err(error) if error.is_transient() => {
                desk.judge(&error);
                tracing::warn!(error = with_causes(&error), "not recorded; that is tried again");
                if let Ended::Sent(_) = ended {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = desk.abandoned.cancelled() => return Err(StoreError::Stale),
                }
            }
            recorded => return recorded,
        }
    }
}

async fn write(desk: &Desk<Letters>, letter: &LeasedLetter, ended: &Ended) -> Result<Option<LetterWakeUp>, StoreError> {
    match ended {
        Ended::Sent(answer) => desk.store.letter_sent(letter, answer).await.map(|()| None),
        Ended::Again {
            after,
            answer,
            maybe_doubled,
        } => desk.store.letter_waits(letter, *after, answer, *maybe_doubled).await,
        Ended::GivenUp { answer, refused } => desk
            .store
            .letter_given_up(letter, answer, *refused)
            .await
            .map(|()| None),
        Ended::TakenOver => Ok(None),
    }
}

fn tell(ended: &Ended) {
    match ended {
        Ended::Sent(answer) => tracing::info!(answer, "sent"),
        Ended::Again {
            after,
            answer,
            maybe_doubled,
        } => {
            tracing::warn!(answer, ?after, maybe_doubled, "not sent; it is tried again");
        }
        Ended::GivenUp { answer, refused } => tracing::warn!(answer, refused, "given up"),
        Ended::TakenOver => tracing::warn!("not sent: another attempt has begun"),
    }
}
