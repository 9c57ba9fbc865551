//! Cloud Controller: asks until it is answered, then polls.

use std::sync::Arc;
use std::time::{Duration, Instant};

use customer::platform::{PLAN_ID, SERVICE_ID};
use customer::{Answer, Platform};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::facts::Facts;
use crate::jobs::Job;

/// A platform that never gives up.
#[derive(Clone)]
pub struct Controller {
    platform: Platform,
    facts: Arc<Facts>,
    again: Duration,
}

/// How a request was taken.
#[derive(Debug)]
pub enum Taken {
    /// It is worked on, as this operation.
    Accepted(String),
    /// It is so already.
    Already,
    /// Another operation runs; ask again later.
    Busy,
    /// Never.
    Refused(String),
}

/// What a poll said.
#[derive(Debug)]
pub enum Said {
    /// It is worked on; the status text.
    InProgress(String),
    /// It is done.
    Succeeded,
    /// It failed, with the status text.
    Failed(String),
    /// The instance is gone.
    Gone,
    /// Nothing that could be used.
    Nothing,
}

impl Controller {
    /// Counts what it sees. `again`: between two polls, and before a request that was not answered is sent again.
    pub fn new(platform: Platform, facts: Arc<Facts>, again: Duration) -> Self {
        Self { platform, facts, again }
    }

    /// Asks for an instance.
    pub async fn provision(&self, job: &Job) -> Taken {
        let domains: Vec<&str> = job.domains.iter().map(|(domain, _)| domain.as_str()).collect();
        loop {
            let answer = self
                .platform
                .provision(&job.id, &job.organization, json!({"domains": domains}))
                .await;
            if let Some(taken) = self.taken("PUT", answer) {
                return taken;
            }
            sleep(self.again).await;
        }
    }

    /// Asks for another form of it.
    pub async fn update(&self, instance: &str, parameters: &Value) -> Taken {
        loop {
            let answer = self.platform.update(instance, parameters.clone()).await;
            if let Some(taken) = self.taken("PATCH", answer) {
                return taken;
            }
            sleep(self.again).await;
        }
    }

    /// Asks for its end.
    pub async fn deprovision(&self, instance: &str) -> Taken {
        loop {
            let answer = self.platform.deprovision(instance).await;
            if let Some(taken) = self.taken("DELETE", answer) {
                return taken;
            }
            sleep(self.again).await;
        }
    }

    /// None: to be sent again.
    fn taken(&self, method: &str, answer: anyhow::Result<Answer>) -> Option<Taken> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                self.facts.requested(format!("{method} {}", why(&error)));
                return None;
            }
        };
        self.facts.requested(format!("{method} {}", answer.status));
        match answer.status {
            202 => Some(Taken::Accepted(
                answer.body["operation"].as_str().unwrap_or_default().to_owned(),
            )),
            200 | 201 => Some(Taken::Already),
            410 if method == "DELETE" => Some(Taken::Already),
            422 if answer.body["error"] == "ConcurrencyError" => Some(Taken::Busy),
            500.. => None,
            status => Some(Taken::Refused(format!("{status} {}", answer.text))),
        }
    }

    /// Waits for the next poll's time, and polls.
    pub async fn poll(&self, instance: &str, operation: &str) -> Said {
        sleep(self.again).await;
        let path = format!(
            "/v2/service_instances/{instance}/last_operation?service_id={SERVICE_ID}&plan_id={PLAN_ID}&operation={operation}"
        );
        let (weather, begun) = (self.facts.weather(), Instant::now());
        let answer = self.platform.call(Method::GET, &path, None).await;
        let (text, good, said) = match answer {
            Err(error) => (why(&error), false, Said::Nothing),
            Ok(answer) => {
                let said = match (answer.status, answer.state()) {
                    (200, "in progress") => Said::InProgress(answer.description().to_owned()),
                    (200, "succeeded") => Said::Succeeded,
                    (200, "failed") => Said::Failed(answer.description().to_owned()),
                    (410, _) => Said::Gone,
                    _ => Said::Nothing,
                };
                let text = format!("{} {}", answer.status, answer.state()).trim_end().to_owned();
                (text, !matches!(said, Said::Nothing), said)
            }
        };
        self.facts.polled(text, good, begun.elapsed(), weather);
        said
    }
}

/// Why there was no answer, in two words.
fn why(error: &anyhow::Error) -> String {
    match error.downcast_ref::<reqwest::Error>() {
        Some(error) if error.is_connect() => "not connected",
        Some(error) if error.is_timeout() => "timed out",
        _ => "broken off",
    }
    .to_owned()
}
