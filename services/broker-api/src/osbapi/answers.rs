//! Answers of last_operation, sent again while nothing else was seen or done for their operations.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use moka::sync::Cache;
use pipeline::patience::Patience;
use store::Polled;
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

/// The memory for answers. One with 100 domains takes some 7 kB.
const MOST_BYTES: u64 = 16 * 1024 * 1024;
/// What an answer costs beside its body.
const OVERHEAD: usize = 250;
/// The version does not count everything that an answer says: the time of a look that saw what the one before it saw; that another
/// instance asks for a domain; the date that times are shown with from midnight on. So an answer is made again while it is sent...
const FRESH: Duration = Duration::from_secs(5);
/// ...and an older one is not sent.
const LONGEST: Duration = Duration::from_secs(15);

/// An answer that can be sent again.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The operation's version that it tells of.
    pub(crate) version: i64,
    /// The response's JSON.
    pub(crate) body: Bytes,
    pub(crate) patience: Patience,
}

/// The newest answers, by operation.
pub(crate) struct Answers {
    kept: Cache<Uuid, Kept>,
    turn: Mutex<()>,
}

#[derive(Clone)]
struct Kept {
    answer: Answer,
    made_at: Instant,
    followed: Arc<AtomicBool>,
}

/// What is there for a poll.
#[derive(Debug)]
pub(crate) enum Found {
    /// Holds.
    Fresh(Answer),
    /// Holds, and the next one should be made now. Only one poll finds it so.
    Ageing(Answer),
    /// None that holds.
    None,
}

impl Default for Answers {
    fn default() -> Self {
        let weight = |_: &Uuid, kept: &Kept| u32::try_from(kept.answer.body.len() + OVERHEAD).unwrap_or(u32::MAX);
        let kept = Cache::builder()
            .max_capacity(MOST_BYTES)
            .weigher(weight)
            .time_to_live(LONGEST)
            .build();
        Self {
            kept,
            turn: Mutex::default(),
        }
    }
}

impl Answers {
    /// The answer that still holds: the operation runs, and has the same version.
    pub(crate) fn of(&self, polled: &Polled) -> Found {
        let kept = self.kept.get(&polled.operation);
        match kept.filter(|kept| Some(kept.answer.version) == polled.running_version) {
            None => Found::None,
            Some(kept) if kept.made_at.elapsed() < FRESH || kept.followed.swap(true, Ordering::Relaxed) => {
                Found::Fresh(kept.answer)
            }
            Some(kept) => Found::Ageing(kept.answer),
        }
    }

    /// The turn to make an answer that no poll waits for: one at a time, since those of many operations age together, and polls
    /// would wait for a connection to the database meanwhile.
    pub(crate) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Whether the operation's answer is to be made again: it is kept, and was not made again meanwhile.
    pub(crate) fn ages(&self, operation: Uuid) -> bool {
        let kept = self.kept.get(&operation);
        kept.is_some_and(|kept| kept.made_at.elapsed() >= FRESH)
    }

    /// Keeps the answer of a running operation.
    pub(crate) fn keep(&self, operation: Uuid, answer: Answer) {
        self.keep_since(operation, answer, Instant::now());
    }

    fn keep_since(&self, operation: Uuid, answer: Answer, made_at: Instant) {
        let followed = Arc::default();
        self.kept.insert(
            operation,
            Kept {
                answer,
                made_at,
                followed,
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    const OPERATION: Uuid = Uuid::from_u128(1);

    fn polled(running_version: Option<i64>) -> Polled {
        Polled {
            operation: OPERATION,
            running_version,
            now: OffsetDateTime::UNIX_EPOCH,
        }
    }

    fn answer(version: i64) -> Answer {
        Answer {
            version,
            body: Bytes::from_static(b"{}"),
            patience: Patience::Shortest,
        }
    }

    #[test]
    fn an_answer_is_sent_again_until_more_is_recorded_or_the_operation_ends() {
        let answers = Answers::default();
        assert!(matches!(answers.of(&polled(Some(7))), Found::None));
        answers.keep(OPERATION, answer(7));
        assert!(matches!(answers.of(&polled(Some(7))), Found::Fresh(_)));
        assert!(matches!(answers.of(&polled(Some(8))), Found::None));
        assert!(matches!(answers.of(&polled(None)), Found::None));
    }

    #[test]
    fn one_poll_makes_the_next_answer_while_all_get_the_ageing_one() {
        let answers = Answers::default();
        answers.keep_since(OPERATION, answer(7), Instant::now() - FRESH);
        assert!(matches!(answers.of(&polled(Some(7))), Found::Ageing(_)));
        assert!(matches!(answers.of(&polled(Some(7))), Found::Fresh(_)));
        assert!(answers.ages(OPERATION));
        answers.keep(OPERATION, answer(7));
        assert!(matches!(answers.of(&polled(Some(7))), Found::Fresh(_)));
        assert!(!answers.ages(OPERATION));
    }
}
