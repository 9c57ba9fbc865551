//! last_operation, asked for as steadily as a large Cloud Foundry does, and how long each answer took.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use stack::Endpoints;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// 50 a second: 3,000 instances at work, each asked for every minute.
const EVERY: Duration = Duration::from_millis(20);

/// Asks until it is dropped.
pub(crate) struct Polling {
    task: JoinHandle<()>,
    seen: Arc<Mutex<Seen>>,
}

/// What was seen so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// How long each answer took.
    pub(crate) took: Vec<Duration>,
    /// Answers other than 200, and none at all.
    pub(crate) odd: Vec<String>,
}

impl Polling {
    /// Asks for this instance, by one connection that stays open, as Cloud Controller's client has it.
    ///
    /// # Errors
    /// When the HTTP client can't be made.
    pub(crate) fn begin(endpoints: &Endpoints, instance: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(60)).build()?;
        let url = format!(
            "{}/v2/service_instances/{instance}/last_operation",
            endpoints.broker_url
        );
        let login = (endpoints.broker_username.clone(), endpoints.broker_password.clone());
        let seen = Arc::new(Mutex::new(Seen::default()));
        let task = tokio::spawn({
            let seen = seen.clone();
            async move {
                let mut turn = interval(EVERY);
                turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    turn.tick().await;
                    let began = Instant::now();
                    let answer = http
                        .get(&url)
                        .basic_auth(&login.0, Some(&login.1))
                        .header("X-Broker-API-Version", "2.17")
                        .send()
                        .await;
                    let answer = match answer {
                        Ok(answer) if answer.status() == 200 => {
                            answer.bytes().await.map(drop).map_err(|e| e.to_string())
                        }
                        Ok(answer) => Err(answer.status().to_string()),
                        Err(error) => Err(error.to_string()),
                    };
                    let took = began.elapsed();
                    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                    match answer {
                        Ok(()) => seen.took.push(took),
                        Err(odd) => seen.odd.push(odd),
                    }
                }
            }
        });
        Ok(Self { task, seen })
    }

    /// So far, the quickest first.
    pub(crate) fn seen(&self) -> Seen {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        seen.took.sort_unstable();
        seen
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        self.task.abort();
    }
}
