//! Answers of last_operation, sent again while nothing was recorded for their operations.

use std::time::Duration;

use axum::body::Bytes;
use moka::sync::Cache;
use pipeline::patience::Patience;
use store::Polled;
use uuid::Uuid;

/// The memory for answers. One with 100 domains takes some 7 kB.
const MOST_BYTES: u64 = 16 * 1024 * 1024;
/// What an answer costs beside its body.
const OVERHEAD: usize = 200;
/// Not everything that an answer says is recorded for a step of its operation: another instance may ask for a domain, and times
/// are shown with their date from midnight on. An older program beside this one counts no records at all.
const LONGEST: Duration = Duration::from_secs(60);

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
pub(crate) struct Answers(Cache<Uuid, Answer>);

impl Default for Answers {
    fn default() -> Self {
        let weight = |_: &Uuid, answer: &Answer| u32::try_from(answer.body.len() + OVERHEAD).unwrap_or(u32::MAX);
        let cache = Cache::builder()
            .max_capacity(MOST_BYTES)
            .weigher(weight)
            .time_to_live(LONGEST)
            .build();
        Self(cache)
    }
}

impl Answers {
    /// The answer that still holds; `None` when the operation ended, or something was recorded since.
    pub(crate) fn of(&self, polled: &Polled) -> Option<Answer> {
        let version = polled.running_version?;
        self.0.get(&polled.operation).filter(|answer| answer.version == version)
    }

    /// Keeps the answer of a running operation.
    pub(crate) fn keep(&self, operation: Uuid, answer: Answer) {
        self.0.insert(operation, answer);
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    #[test]
    fn an_answer_is_sent_again_until_something_is_recorded_or_the_operation_ends() {
        let answers = Answers::default();
        let operation = Uuid::from_u128(1);
        let polled = |running_version| Polled {
            operation,
            running_version,
            now: OffsetDateTime::UNIX_EPOCH,
        };
        assert!(answers.of(&polled(Some(7))).is_none());
        answers.keep(
            operation,
            Answer {
                version: 7,
                body: Bytes::from_static(b"{}"),
                patience: Patience::Shortest,
            },
        );
        assert!(answers.of(&polled(Some(7))).is_some());
        assert!(answers.of(&polled(Some(8))).is_none());
        assert!(answers.of(&polled(None)).is_none());
    }
}
