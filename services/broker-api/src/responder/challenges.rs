//! The live http-01 challenges that this process knows, and how it learns of others.
//!
//! Known challenges are answered from memory. All live challenges are read every few seconds. A token that is requested
//! before that (another process placed it a moment ago, or somebody made it up) is looked up in the database: pending
//! look-ups are batched, by one statement at a time with a pause between two. So a flood of tokens that don't exist
//! costs some statements a second, whatever its size, and a look-up always begins after the request: a challenge that
//! was placed before the request is found.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use store::{Http01Answer, Store, StoreError};
use telemetry::with_causes;
use tokio::sync::{mpsc, oneshot};

/// How often all live challenges are read.
const EVERY: Duration = Duration::from_secs(5);
/// Reading takes no more than this fraction of the time, however many challenges are live.
const SHARE: u32 = 50;
/// The most challenges that are kept in memory, about 300 bytes each; the rest is looked up.
const MOST: u32 = 100_000;
/// The pause between two look-ups.
const PAUSE: Duration = Duration::from_millis(50);
/// The most tokens of one look-up.
const AT_ONCE: usize = 1024;
/// How many requests may wait for a look-up, apart from those in progress; further ones wait for a place in the queue.
const QUEUE: usize = 4096;
/// A CA gives up after 10 s (Let's Encrypt), and counts a request without a response as a failed validation.
const PATIENCE: Duration = Duration::from_secs(8);

/// By token, since each token comes from one CA and is unique there; then by the tenant's part of the path.
type Known = HashMap<String, HashMap<String, Arc<str>>>;

/// See the module documentation.
pub(crate) struct Challenges {
    known: Arc<RwLock<Known>>,
    questions: mpsc::Sender<Question>,
}

struct Question {
    tenant: String,
    token: String,
    /// Dropped without a value when the database could not be queried.
    answer: oneshot::Sender<Option<Arc<str>>>,
}

/// The database could not be queried in time.
#[derive(Debug)]
pub(crate) struct Unanswered;

impl Challenges {
    /// Starts the reading and the look-ups, which run as long as this value lives.
    pub(crate) fn of(store: Store) -> Self {
        let known = Arc::<RwLock<Known>>::default();
        let (questions, asked) = mpsc::channel(QUEUE);
        tokio::spawn(look_up(store.clone(), known.clone(), asked));
        tokio::spawn(keep(store, Arc::downgrade(&known)));
        Self { known, questions }
    }

    /// The key authorization for a token in the tenant's part of the responder, from memory or by a look-up.
    pub(crate) async fn answer(&self, tenant: &str, token: &str) -> Result<Option<Arc<str>>, Unanswered> {
        let known = of(
            &self.known.read().unwrap_or_else(PoisonError::into_inner),
            tenant,
            token,
        );
        if known.is_some() {
            return Ok(known);
        }
        let (answer, answered) = oneshot::channel();
        let question = Question {
            tenant: tenant.to_string(),
            token: token.to_string(),
            answer,
        };
        let look = async {
            self.questions.send(question).await.ok()?;
            answered.await.ok()
        };
        tokio::time::timeout(PATIENCE, look)
            .await
            .ok()
            .flatten()
            .ok_or(Unanswered)
    }
}

fn of(known: &Known, tenant: &str, token: &str) -> Option<Arc<str>> {
    known.get(token)?.get(tenant).cloned()
}

async fn look_up(store: Store, known: Arc<RwLock<Known>>, mut asked: mpsc::Receiver<Question>) {
    let mut questions = Vec::new();
    let mut trouble = Trouble::default();
    while asked.recv_many(&mut questions, AT_ONCE).await > 0 {
        // Drops look-ups whose client has disconnected in the meantime.
        questions.retain(|question| !question.answer.is_closed());
        let mut tokens: Vec<&str> = questions.iter().map(|question| question.token.as_str()).collect();
        tokens.sort_unstable();
        tokens.dedup();
        if !tokens.is_empty() {
            metrics::counter!("challenge_looks_total").increment(1);
            let found = trouble.told(store.http01_answers(&tokens).await);
            let asked = questions.drain(..);
            if let Some(answers) = found {
                answer_all(asked, &answers);
                add(&mut known.write().unwrap_or_else(PoisonError::into_inner), answers);
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Answers from the result of the look-up, not from the known challenges: a concurrent read may replace those with an
/// older state.
fn answer_all(questions: impl Iterator<Item = Question>, answers: &[Http01Answer]) {
    let mut found = Known::new();
    add(&mut found, answers.to_vec());
    for question in questions {
        let answer = of(&found, &question.tenant, &question.token);
        // The client may have disconnected.
        let _ = question.answer.send(answer);
    }
}

/// Reads all live challenges periodically, until the last user is gone. While they can't be read, the known ones stay.
async fn keep(store: Store, known: std::sync::Weak<RwLock<Known>>) {
    let mut trouble = Trouble::default();
    loop {
        let begun = Instant::now();
        let read = store.live_http01_answers(MOST).await;
        let Some(known) = known.upgrade() else { return };
        if let Some(answers) = trouble.told(read) {
            let mut live = Known::new();
            add(&mut live, answers);
            metrics::gauge!("challenges_live").set(live.len() as f64);
            *known.write().unwrap_or_else(PoisonError::into_inner) = live;
        }
        drop(known);
        tokio::time::sleep(EVERY.max(begun.elapsed() * SHARE)).await;
    }
}

fn add(known: &mut Known, answers: Vec<Http01Answer>) {
    for answer in answers {
        known
            .entry(answer.token)
            .or_default()
            .insert(answer.tenant_segment, answer.key_authorization.into());
    }
}

/// Whether the current database failure has been logged.
#[derive(Default)]
struct Trouble(bool);

impl Trouble {
    fn told<T>(&mut self, outcome: Result<T, StoreError>) -> Option<T> {
        let failed = outcome.is_err();
        if let Err(error) = &outcome
            && !self.0
        {
            tracing::error!(
                error = with_causes(error),
                "challenges can't be read from the database; those that are known are answered"
            );
        }
        self.0 = failed;
        outcome.ok()
    }
}
