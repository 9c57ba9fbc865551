//! Answers of last_operation, sent again while nothing else was seen or done for their operations.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use moka::future::Cache;
use moka::ops::compute::{CompResult, Op};
use pipeline::patience::Patience;
use store::Polled;
use tokio::sync::Mutex;
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

/// The newest answers, by operation. Polls of one operation share the making of an answer.
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
    /// The answer that still holds: the operation runs, and nothing more was recorded than it tells.
    pub(crate) async fn of(&self, polled: &Polled) -> Found {
        match self.kept.get(&polled.operation).await.filter(|kept| kept.holds(polled)) {
            None => Found::None,
            Some(kept) if kept.made_at.elapsed() < FRESH || kept.followed.swap(true, Ordering::Relaxed) => {
                Found::Fresh(kept.answer)
            }
            Some(kept) => Found::Ageing(kept.answer),
        }
    }

    /// The answer for a poll that found none. Polls of the operation that come while it is made wait for it: many that read all of
    /// a large operation at once would keep the database from everything else.
    ///
    /// # Errors
    /// Those of `make`; the next poll that waits makes it, then.
    pub(crate) async fn made<E, F>(&self, polled: &Polled, make: impl Fn() -> F) -> Result<Answer, E>
    where
        E: Send + Sync + 'static,
        F: Future<Output = Result<Answer, E>>,
    {
        match polled.running_version {
            Some(_) => self.younger(polled, LONGEST, make).await,
            // Seldom asked for again.
            None => make().await,
        }
    }

    /// Makes the answer that follows an ageing one. No poll waits for it, so there is one at a time: the answers of many operations
    /// age together, and polls would wait for a connection to the database meanwhile.
    ///
    /// # Errors
    /// Those of `make`.
    pub(crate) async fn follow<E, F>(&self, polled: &Polled, make: impl Fn() -> F) -> Result<(), E>
    where
        E: Send + Sync + 'static,
        F: Future<Output = Result<Answer, E>>,
    {
        let _turn = self.turn.lock().await;
        self.younger(polled, FRESH, make).await.map(drop)
    }

    /// The kept answer if it holds and is younger than `age`; else one that is made and kept. One at a time of each operation.
    async fn younger<E, F>(&self, polled: &Polled, age: Duration, make: impl Fn() -> F) -> Result<Answer, E>
    where
        E: Send + Sync + 'static,
        F: Future<Output = Result<Answer, E>>,
    {
        let next = |kept: Option<moka::Entry<Uuid, Kept>>| async {
            let kept = kept.map(moka::Entry::into_value);
            if kept.is_some_and(|kept| kept.holds(polled) && kept.made_at.elapsed() < age) {
                return Ok(Op::Nop);
            }
            // What is read is no younger than this.
            let made_at = Instant::now();
            Ok::<_, E>(Op::Put(Kept::new(make().await?, made_at)))
        };
        match self.kept.entry(polled.operation).and_try_compute_with(next).await? {
            CompResult::Inserted(kept) | CompResult::ReplacedWith(kept) | CompResult::Unchanged(kept) => {
                Ok(kept.into_value().answer)
            }
            CompResult::StillNone(_) | CompResult::Removed(_) => make().await,
        }
    }
}

impl Kept {
    fn new(answer: Answer, made_at: Instant) -> Self {
        let followed = Arc::default();
        Self {
            answer,
            made_at,
            followed,
        }
    }

    fn holds(&self, polled: &Polled) -> bool {
        polled
            .running_version
            .is_some_and(|version| version <= self.answer.version)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::AtomicUsize;

    use futures_util::future::join_all;
    use time::OffsetDateTime;
    use tokio::task::yield_now;

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

    /// Makes answers, and counts them.
    #[derive(Default)]
    struct Maker(AtomicUsize);

    impl Maker {
        async fn make(&self, version: i64) -> Result<Answer, Infallible> {
            self.0.fetch_add(1, Ordering::Relaxed);
            yield_now().await;
            Ok(answer(version))
        }

        fn made(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    impl Answers {
        async fn keep(&self, answer: Answer, age: Duration) {
            let kept = Kept::new(answer, Instant::now() - age);
            self.kept.insert(OPERATION, kept).await;
        }
    }

    #[tokio::test]
    async fn an_answer_is_sent_again_until_more_is_recorded_or_the_operation_ends() {
        let answers = Answers::default();
        let of = async |version| answers.of(&polled(version)).await;
        assert!(matches!(of(Some(7)).await, Found::None));
        answers.keep(answer(7), Duration::ZERO).await;
        assert!(matches!(of(Some(7)).await, Found::Fresh(_)));
        assert!(matches!(of(Some(8)).await, Found::None));
        assert!(matches!(of(None).await, Found::None));
        // The poll read the version before the record that the answer tells of.
        assert!(matches!(of(Some(6)).await, Found::Fresh(_)));
    }

    #[tokio::test]
    async fn one_poll_makes_the_next_answer_while_all_get_the_ageing_one() {
        let answers = Answers::default();
        let maker = Maker::default();
        let polled = polled(Some(7));
        answers.keep(answer(7), FRESH).await;
        assert!(matches!(answers.of(&polled).await, Found::Ageing(_)));
        assert!(matches!(answers.of(&polled).await, Found::Fresh(_)));
        for _ in 0..2 {
            answers.follow(&polled, || maker.make(7)).await.unwrap();
            assert!(matches!(answers.of(&polled).await, Found::Fresh(_)));
        }
        assert_eq!(maker.made(), 1);
    }

    #[tokio::test]
    async fn polls_of_one_operation_share_the_answer_that_is_made_meanwhile() {
        let answers = Answers::default();
        let maker = Maker::default();
        let all = async |version| {
            let polled = polled(version);
            let told = join_all((0..5).map(|_| answers.made(&polled, || maker.make(7)))).await;
            assert!(told.iter().all(|told| told.as_ref().unwrap().version == 7));
            maker.made()
        };
        assert_eq!(all(Some(7)).await, 1);
        assert_eq!(all(Some(6)).await, 1);
        // What was recorded meanwhile is in none that was made before.
        assert_eq!(all(Some(8)).await, 6);
        assert_eq!(all(None).await, 11);
    }

    #[tokio::test]
    async fn an_error_is_told_once_and_the_next_poll_makes_the_answer() {
        let answers = Answers::default();
        let polled = polled(Some(7));
        let tries = AtomicUsize::new(0);
        let make = async || match tries.fetch_add(1, Ordering::Relaxed) {
            0 => Err("away"),
            _ => Ok(answer(7)),
        };
        let told = join_all((0..3).map(|_| answers.made(&polled, make))).await;
        assert_eq!(told.iter().filter(|told| told.is_err()).count(), 1);
        assert_eq!(tries.load(Ordering::Relaxed), 2);
    }
}
