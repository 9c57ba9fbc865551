//! Cloud Controller's side of the Open Service Broker API.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use reqwest::Method;
use serde_json::{Value, json};

use crate::status;

/// Catalog id of the service, as the stack's broker has it.
pub const SERVICE_ID: &str = "6f2b1a52-7c6a-4b0e-9d0c-3a4d3c1c5e01";
/// Catalog id of the plan.
pub const PLAN_ID: &str = "b0c7b3a4-0c3e-4f55-8a2e-5d1f6c2f9e02";

/// A platform that uses the broker.
#[derive(Clone)]
pub struct Platform {
    http: reqwest::Client,
    url: String,
    username: String,
    password: String,
}

/// What the broker answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body; null when it is not JSON.
    pub body: Value,
    /// Body as it came.
    pub text: String,
    description: String,
}

impl Answer {
    /// The `description` of the body, a line that was folded for terminals in one piece.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The `state` of the body.
    pub fn state(&self) -> &str {
        self.body["state"].as_str().unwrap_or_default()
    }

    /// The link to the instance's status page.
    pub fn dashboard_url(&self) -> Option<&str> {
        self.body["dashboard_url"].as_str()
    }

    /// The body without that link.
    pub fn beside_the_link(&self) -> Value {
        let mut body = self.body.clone();
        if let Some(members) = body.as_object_mut() {
            members.remove("dashboard_url");
        }
        body
    }

    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

impl Platform {
    /// A platform with the broker's credentials.
    ///
    /// # Errors
    /// When the HTTP client can't be made.
    pub fn new(url: &str, username: &str, password: &str) -> anyhow::Result<Self> {
        // Answers whether another crate was first; either way there is one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Ok(Self {
            http: reqwest::Client::builder()
                .timeout(Duration::from_secs(60))
                // Tests share a platform and have a runtime each: a kept connection would die with another test's.
                .pool_max_idle_per_host(0)
                .build()?,
            url: url.trim_end_matches('/').to_string(),
            username: username.to_string(),
            password: password.to_string(),
        })
    }

    /// Any request, with credentials and version.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .basic_auth(&self.username, Some(&self.password))
            .header("X-Broker-API-Version", "2.17");
        if let Some(body) = body {
            request = request.json(body);
        }
        answer(request).await
    }

    /// A request that is made up by the caller, without credentials or version unless they are added.
    pub fn bare(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// The broker's basic authentication, for [`Self::bare`].
    pub fn credentials(&self) -> (&str, &str) {
        (&self.username, &self.password)
    }

    /// `cf create-service cdn-route cdn … -c PARAMETERS` in an organization.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn provision(&self, id: &str, organization: &str, parameters: Value) -> anyhow::Result<Answer> {
        let body = provision_body(organization, parameters);
        let path = format!("/v2/service_instances/{id}?accepts_incomplete=true");
        self.call(Method::PUT, &path, Some(&body)).await
    }

    /// `cf update-service … -c PARAMETERS`.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn update(&self, id: &str, parameters: Value) -> anyhow::Result<Answer> {
        let path = format!("/v2/service_instances/{id}?accepts_incomplete=true");
        let body = json!({"service_id": SERVICE_ID, "parameters": parameters});
        self.call(Method::PATCH, &path, Some(&body)).await
    }

    /// `cf delete-service`.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn deprovision(&self, id: &str) -> anyhow::Result<Answer> {
        let path =
            format!("/v2/service_instances/{id}?accepts_incomplete=true&service_id={SERVICE_ID}&plan_id={PLAN_ID}");
        self.call(Method::DELETE, &path, None).await
    }

    /// What Cloud Controller polls.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn last_operation(&self, id: &str) -> anyhow::Result<Answer> {
        self.call(Method::GET, &format!("/v2/service_instances/{id}/last_operation"), None)
            .await
    }

    /// Polls until the answer is as wanted.
    ///
    /// # Errors
    /// When it isn't in time, with the last answer; when the operation ends otherwise.
    pub async fn poll(
        &self,
        id: &str,
        patience: Duration,
        wanted: &str,
        is_wanted: impl Fn(&Answer) -> bool,
    ) -> anyhow::Result<Answer> {
        let deadline = Instant::now() + patience;
        loop {
            let answer = self.last_operation(id).await.context("last_operation")?;
            if is_wanted(&answer) {
                return Ok(answer);
            }
            if matches!(answer.state(), "succeeded" | "failed") {
                bail!(
                    "{wanted} was wanted, but it {}: {}",
                    answer.state(),
                    answer.description()
                );
            }
            if Instant::now() > deadline {
                bail!(
                    "{wanted} did not come in {patience:?}; last: {} {}",
                    answer.status,
                    answer.text
                );
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Polls until the operation succeeded.
    ///
    /// # Errors
    /// When it failed or takes too long.
    pub async fn succeeded(&self, id: &str, patience: Duration) -> anyhow::Result<Answer> {
        self.poll(id, patience, "success", |answer| answer.state() == "succeeded")
            .await
    }

    /// Polls until the operation failed.
    ///
    /// # Errors
    /// When it succeeded or takes too long.
    pub async fn failed(&self, id: &str, patience: Duration) -> anyhow::Result<Answer> {
        self.poll(id, patience, "failure", |answer| answer.state() == "failed")
            .await
    }
}

/// The body of a provision as Cloud Controller sends it.
pub fn provision_body(organization: &str, parameters: Value) -> Value {
    json!({
        "service_id": SERVICE_ID,
        "plan_id": PLAN_ID,
        "organization_guid": organization,
        "space_guid": "a-space",
        "context": {"platform": "cloudfoundry", "organization_guid": organization, "space_guid": "a-space"},
        "parameters": parameters,
    })
}

/// Sends a request and reads the whole answer.
///
/// # Errors
/// When there is none.
pub async fn answer(request: reqwest::RequestBuilder) -> anyhow::Result<Answer> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let text = response.text().await?;
    let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    let description = status::unfolded(body["description"].as_str().unwrap_or_default());
    Ok(Answer {
        status,
        headers,
        body,
        text,
        description,
    })
}
