//! Cloud Controller: retries a request until it gets a response, then polls.

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

/// The result of a request.
#[derive(Debug)]
pub enum Taken {
    /// In progress, as this operation.
    Accepted(String),
    /// Nothing to do.
    Already,
    /// Another operation is in progress; retry later.
    Busy,
    /// Refused permanently.
    Refused(String),
}

/// The result of a poll.
#[derive(Debug)]
pub enum Said {
    /// In progress; the status text.
    InProgress(String),
    /// The operation succeeded.
    Succeeded,
    /// The operation failed, with the status text.
    Failed(String),
    /// The instance is gone.
    Gone,
    /// No usable response.
    Nothing,
}

impl Controller {
    /// Records what it sees. `again`: the interval between two polls, and before a request without a response is
    /// retried.
    pub fn new(platform: Platform, facts: Arc<Facts>, again: Duration) -> Self {
        Self { platform, facts, again }
    }

    /// Requests an instance.
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

    /// Requests an update.
    pub async fn update(&self, instance: &str, parameters: &Value) -> Taken {
        loop {
            let answer = self.platform.update(instance, parameters.clone()).await;
            if let Some(taken) = self.taken("PATCH", answer) {
                return taken;
            }
            sleep(self.again).await;
        }
    }

    /// Requests the instance's deletion.
    pub async fn deprovision(&self, instance: &str) -> Taken {
        loop {
            let answer = self.platform.deprovision(instance).await;
            if let Some(taken) = self.taken("DELETE", answer) {
                return taken;
            }
            sleep(self.again).await;
        }
    }

    /// `None`: retry the request.
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

    /// Waits until the next poll is due, and polls.
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

/// Why there was no response, in two words.
fn why(error: &anyhow::Error) -> String {
    match error.downcast_ref::<reqwest::Error>() {
        Some(error) if error.is_connect() => "not connected",
        Some(error) if error.is_timeout() => "timed out",
        _ => "broken off",
    }
    .to_owned()
}
