//! The live http-01 challenges, as far as this process knows them, and how it gets to know others.
//!
//! What is known is answered from memory. All that is live is read every few seconds, and what is asked for before that
//! (another process placed it a moment ago, or somebody made it up) is looked up: all at once, by one statement at a
//! time with a pause between two. So a flood of tokens that don't exist is some statements a second, whatever its size,
//! and a look always begins after the question: what was placed before it is found.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use store::{Http01Answer, Store, StoreError};
use telemetry::with_causes;
use tokio::sync::{mpsc, oneshot};

/// How often all that is live is read.
const EVERY: Duration = Duration::from_secs(5);
/// Reading takes no more than this part of the time, however much is live.
const SHARE: u32 = 50;
/// The most that is kept in memory, about 300 bytes each; the rest is looked up.
const MOST: u32 = 100_000;
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);
/// In one look.
const AT_ONCE: usize = 1024;
/// How many may wait for a look beside those that are in one; further ones wait for their place.
const QUEUE: usize = 4096;
/// A CA gives up after 10 s (Let's Encrypt), and counts what it isn't answered as a failed validation.
const PATIENCE: Duration = Duration::from_secs(8);

/// By token, since one CA makes each of them once; then by the tenant's part of the path.
type Known = HashMap<String, HashMap<String, Arc<str>>>;

/// See the module.
pub(crate) struct Challenges {
    known: Arc<RwLock<Known>>,
    questions: mpsc::Sender<Question>,
}

struct Question {
    tenant: String,
    token: String,
    /// Nothing is sent when the database could not be asked.
    answer: oneshot::Sender<Option<Arc<str>>>,
}

/// The database could not be asked in time.
#[derive(Debug)]
pub(crate) struct Unanswered;

impl Challenges {
    /// Reads and looks up for as long as this lives.
    pub(crate) fn of(store: Store) -> Self {
        let known = Arc::<RwLock<Known>>::default();
        let (questions, asked) = mpsc::channel(QUEUE);
        tokio::spawn(look_up(store.clone(), known.clone(), asked));
        tokio::spawn(keep(store, Arc::downgrade(&known)));
        Self { known, questions }
    }

    /// The answer to a token in the tenant's part of the responder, whatever it takes.
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
        // Who asked may have left meanwhile.
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

/// From what was found, not from what is known: that may be read anew at the same time, from before.
fn answer_all(questions: impl Iterator<Item = Question>, answers: &[Http01Answer]) {
    let mut found = Known::new();
    add(&mut found, answers.to_vec());
    for question in questions {
        let answer = of(&found, &question.tenant, &question.token);
        // Who asked may have left.
        let _ = question.answer.send(answer);
    }
}

/// Reads all that is live, again and again, until nobody needs it. While it can't be read, what is known stays.
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

/// Whether the log has it already that the database fails.
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
