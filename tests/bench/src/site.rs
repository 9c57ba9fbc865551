//! A stack with what platforms and tenants do on it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use customer::{Platform, status};
use serde_json::json;
use stack::{Dns, Handle, Options};
use time::OffsetDateTime;
use tokio_postgres::Client;

use crate::far_dns::FarDns;

/// aws-sim's own times: the least that a deployment takes.
const DEPLOY_MS: u64 = 4_000;
const IAM_VISIBLE_MS: u64 = 200;
/// How many verifiers [`Settings::Verifiers`] has.
pub(crate) const VERIFIERS: u16 = 8;
/// The time limit of what the broker does by itself.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);
/// How often a condition is looked at.
pub(crate) const EVERY: Duration = Duration::from_millis(50);

/// The settings of all services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settings {
    /// As they ship.
    Default,
    /// The tests' short waits (`stack::FAST`).
    Fast,
    /// As they ship, with [`VERIFIERS`] and a DNS server whose distance can be set.
    Verifiers,
}

impl Settings {
    /// For names.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Fast => "fast",
            Self::Verifiers => "verifiers",
        }
    }

    fn options(self) -> Options {
        let options = match self {
            Self::Default => Options::default(),
            Self::Fast => Options::fast(),
            // A sweep that is frozen loses its transaction, and its process takes PostgreSQL for gone.
            Self::Verifiers => Options::default()
                .with_replicas("challenge-verifier", VERIFIERS)
                .with_env("challenge-verifier", "SWEEP_INTERVAL", "1h"),
        };
        Options {
            deploy_ms: DEPLOY_MS,
            iam_visible_ms: IAM_VISIBLE_MS,
            ..options
        }
        // The stack's own would be a query of each service per second.
        .with_env("all", "LOG_LEVEL_INTERVAL", "5s")
        .with_unproved_unbounded()
        .with_own_rabbitmq()
    }
}

/// A running stack.
pub(crate) struct Site {
    pub(crate) settings: Settings,
    pub(crate) stack: Handle,
    pub(crate) platform: Platform,
    pub(crate) dns: Dns,
    pub(crate) sql: Client,
    /// What the verifiers ask, with [`Settings::Verifiers`].
    pub(crate) far_dns: Option<FarDns>,
}

impl Site {
    /// # Errors
    /// When it doesn't start.
    pub(crate) async fn start(settings: Settings) -> anyhow::Result<Self> {
        let far_dns = match settings {
            Settings::Verifiers => Some(FarDns::bind()?),
            Settings::Default | Settings::Fast => None,
        };
        let mut options = settings.options();
        if let Some(far) = &far_dns {
            options = options.with_env("challenge-verifier", "DNS_RESOLVER", &far.address().to_string());
        }
        let stack = Handle::start(options).await?;
        let endpoints = stack.endpoints();
        if let Some(far) = &far_dns {
            far.serve(endpoints.dns_addr)?;
        }
        Ok(Self {
            settings,
            platform: Platform::new(
                &endpoints.broker_url,
                &endpoints.broker_username,
                &endpoints.broker_password,
            )?,
            dns: stack.dns()?,
            sql: endpoints.database().await?,
            far_dns,
            stack,
        })
    }

    /// Stops it.
    ///
    /// # Errors
    /// When the thread that waits for it panics.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        // Dropping the handle waits until the stack has ended.
        Ok(tokio::task::spawn_blocking(move || drop(self)).await?)
    }

    /// How long AWS takes from the certificate's upload to the end of the deployment.
    pub(crate) fn aws_takes(&self) -> Duration {
        Duration::from_millis(DEPLOY_MS + IAM_VISIBLE_MS)
    }

    /// Requests an instance. Returns the operation, as the broker names it.
    ///
    /// # Errors
    /// When it is not accepted.
    pub(crate) async fn request(&self, id: &str, organization: &str, domains: &[String]) -> anyhow::Result<String> {
        let parameters = json!({"domains": domains});
        let answer = self.platform.provision(id, organization, parameters).await?;
        ensure!(answer.status == 202, "{id}: {} {}", answer.status, answer.text);
        let operation = answer.body["operation"].as_str();
        Ok(operation.context("a 202 without an operation")?.to_owned())
    }

    /// The value of the set-once record, once the status tells it.
    ///
    /// # Errors
    /// When it doesn't in time.
    pub(crate) async fn record_of(&self, id: &str) -> anyhow::Result<String> {
        let told = self
            .platform
            .poll(id, PATIENCE, "a set-once record", |answer| {
                status::persist_value(answer.description()).is_some()
            })
            .await?;
        status::persist_value(told.description()).context("a set-once record")
    }

    /// Sets the set-once record of each domain. Returns when each was set.
    ///
    /// # Errors
    /// When the DNS server doesn't answer.
    pub(crate) async fn set_records(&self, domains: &[String], value: &str) -> anyhow::Result<Vec<OffsetDateTime>> {
        let mut set = Vec::new();
        for domain in domains {
            self.dns
                .set_txt(&format!("_validation-persist.{domain}"), value)
                .await?;
            set.push(OffsetDateTime::now_utc());
        }
        Ok(set)
    }

    /// When the provision succeeded, once it has; PostgreSQL has this machine's clock.
    ///
    /// # Errors
    /// When it fails, or doesn't end in time.
    pub(crate) async fn provisioned(&self, id: &str) -> anyhow::Result<OffsetDateTime> {
        let query = "select state, ended_at from operations where instance_id = $1 and kind = 'provision'";
        let deadline = Instant::now() + PATIENCE;
        loop {
            let row = self.sql.query_one(query, &[&id]).await?;
            let (state, ended): (String, Option<OffsetDateTime>) = (row.try_get(0)?, row.try_get(1)?);
            if let Some(ended) = ended {
                ensure!(state == "succeeded", "{id} is {state}");
                return Ok(ended);
            }
            ensure!(Instant::now() < deadline, "{id} is still {state}");
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Ends the operations of instances whose ids begin so: what was measured leaves no work behind.
    ///
    /// # Errors
    /// Of the database.
    pub(crate) async fn put_to_rest(&self, prefix: &str) -> anyhow::Result<()> {
        self.sql.execute(END, &[&prefix]).await?;
        Ok(())
    }

    /// Waits until this query counts so many, with this one parameter.
    ///
    /// # Errors
    /// When it doesn't in time.
    pub(crate) async fn until_count(&self, query: &str, parameter: &str, wanted: usize) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let wanted = i64::try_from(wanted)?;
        loop {
            let count: i64 = self.sql.query_one(query, &[&parameter]).await?.try_get(0)?;
            if count >= wanted {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "only {count} of {wanted}: {query} ({parameter})"
            );
            tokio::time::sleep(EVERY).await;
        }
    }
}

/// The domains of an instance, as many as are wanted.
pub(crate) fn domains(instance: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("d{number}.{instance}.example.com"))
        .collect()
}

/// Of the instances whose ids begin with the parameter: domains that wait, and were looked at.
pub(crate) const LOOKED_AT: &str = "select count(*) from steps s join operations o on o.id = s.operation_id \
    where starts_with(o.instance_id, $1) and o.state = 'running' and s.kind = 'verify-challenge' \
    and s.state = 'waiting' and s.checked_at is not null";

/// Of the instances whose ids begin with the parameter: domains that are proved.
pub(crate) const PROVED: &str = "select count(*) from steps s join operations o on o.id = s.operation_id \
    where starts_with(o.instance_id, $1) and s.kind = 'verify-challenge' and s.state = 'done'";

/// As the product ends an operation that failed.
const END: &str = "with ended as (update operations set state = 'failed', failure = 'measured', cause = 'bench', \
        ended_at = now() where starts_with(instance_id, $1) and state = 'running' returning id) \
    update steps s set state = 'cancelled', ended_at = now() from ended \
    where s.operation_id = ended.id and s.state = 'waiting'";
