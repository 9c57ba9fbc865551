//! A stack whose processes are killed and frozen, and a tenant who goes on all the same.

use std::time::Duration;

use anyhow::Context as _;
use customer::{Browser, Platform, status};
use serde_json::{Value, json};
use stack::{CrashPoints, DELAY_QUEUES_MS, Dns, Handle, Options, Signal, WORKERS};
use uuid::Uuid;

/// No test waits longer for one thing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The stack.
pub(crate) struct Site {
    pub(crate) handle: Handle,
    pub(crate) platform: Platform,
    pub(crate) points: CrashPoints,
    dns: Dns,
}

/// Attempts end soon, so that the sweeper's grace is short as well.
const SCHEDULES: [&str; 15] = [
    "PUBLISH_CHALLENGES",
    "CREATE_DISTRIBUTION",
    "PLACE_ORDER",
    "VERIFY_CHALLENGE",
    "ANSWER_CHALLENGES",
    "AWAIT_VALIDATION",
    "FINALIZE_ORDER",
    "UPLOAD_CERTIFICATE",
    "ATTACH_CERTIFICATE",
    "CONFIGURE_DISTRIBUTION",
    "AWAIT_DEPLOYMENT",
    "DISABLE_DISTRIBUTION",
    "DELETE_DISTRIBUTION",
    "SETTLE_FUNCTION",
    "RETIRE_CERTIFICATES",
];

/// So many of every worker.
pub(crate) const REPLICAS: u16 = 3;

impl Site {
    /// A stack of the test's own: each kills and freezes what another would need, and none has to wait for another.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let points = CrashPoints::new()?;
        let mut options = Options::fast()
            .with_delegation()
            .with_env("all", "CRASH_POINTS", &points.folder())
            .with_env("all", "SWEEP_GRACE", "2s")
            .with_env("all", "SWEEP_INTERVAL", "500ms")
            // A process that dies takes with it whatever it holds, and all of that counts as delivered once more.
            .with_env("all", "DELIVERY_LIMIT", "50");
        for kind in SCHEDULES {
            let schedule = "first=200ms,factor=1.5,max=1s,deadline=10m,limit=4s";
            options = options.with_env("all", &format!("SCHEDULE_{kind}"), schedule);
        }
        for worker in WORKERS {
            options = options.with_replicas(worker, REPLICAS);
        }
        // Each order has to be proved.
        options
            .pebble_env
            .insert("PEBBLE_AUTHZREUSE".to_owned(), "0".to_owned());
        options.deploy_ms = 200;
        let handle = Handle::start(options).await?;
        let e = handle.endpoints();
        let platform = Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?;
        let dns = Dns::new(&e.dns_management_url)?;
        reqwest::Client::new()
            .post(format!("{}/settings", e.aws_admin_url))
            .json(&json!({"iam_quota": 1000, "function_quota": 1000}))
            .send()
            .await?
            .error_for_status()?;
        Ok(Self {
            handle,
            platform,
            points,
            dns,
        })
    }

    /// Asks for an instance with one domain, to which others would be redirected, in an organization of its own.
    pub(crate) async fn provision(&self) -> anyhow::Result<Instance> {
        let id = Uuid::new_v4().to_string();
        let domain = format!("f-{}.example.com", &id[..8]);
        self.provision_as(&id, &format!("org-{id}"), &domain).await
    }

    pub(crate) async fn provision_as(&self, id: &str, organization: &str, domain: &str) -> anyhow::Result<Instance> {
        let answer = self
            .platform
            .provision(id, organization, json!({"domains": [domain], "redirect_to": domain}))
            .await?;
        anyhow::ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
        Ok(Instance {
            id: id.to_string(),
            domain: domain.to_string(),
        })
    }

    /// Sets the record that the status asks for, as soon as it does; none is asked for when it is set already.
    pub(crate) async fn set_record(&self, instance: &Instance) -> anyhow::Result<()> {
        let told = self
            .platform
            .poll(&instance.id, PATIENCE, "what to set", |answer| {
                status::persist_value(answer.description()).is_some() || answer.state() != "in progress"
            })
            .await?;
        if instance.is_delegated()
            && let Some(target) = status::cname_target(told.description(), &instance.domain)
        {
            let name = format!("_acme-challenge.{}", instance.domain);
            return self.dns.set_cname(&name, &target).await;
        }
        let Some(value) = status::persist_value(told.description()) else {
            return Ok(());
        };
        self.dns
            .set_txt(&format!("_validation-persist.{}", instance.domain), &value)
            .await
    }

    pub(crate) async fn created(&self) -> anyhow::Result<Instance> {
        let instance = self.provision().await?;
        self.set_record(&instance).await?;
        self.platform.succeeded(&instance.id, PATIENCE).await?;
        Ok(instance)
    }

    /// Adds a domain, as the user does who wants another name served, by itself.
    pub(crate) async fn extend(&self, instance: &Instance) -> anyhow::Result<()> {
        let second = format!("second.{}", instance.domain);
        let answer = self
            .platform
            .update(
                &instance.id,
                json!({"domains": [instance.domain, second], "redirect_to": null}),
            )
            .await?;
        anyhow::ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
        let second = Instance {
            id: instance.id.clone(),
            domain: second,
        };
        self.set_record(&second).await?;
        self.platform.succeeded(&instance.id, PATIENCE).await?;
        self.serves(&second).await
    }

    /// Has every other host redirected to this one, or none.
    pub(crate) async fn redirect(&self, instance: &Instance, target: Option<&str>) -> anyhow::Result<()> {
        let answer = self
            .platform
            .update(&instance.id, json!({ "redirect_to": target }))
            .await?;
        anyhow::ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
        self.platform.succeeded(&instance.id, PATIENCE).await?;
        Ok(())
    }

    pub(crate) async fn delete(&self, instance: &Instance) -> anyhow::Result<()> {
        let answer = self.platform.deprovision(&instance.id).await?;
        anyhow::ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
        self.platform.succeeded(&instance.id, PATIENCE).await?;
        Ok(())
    }

    /// Has the certificate renewed, as an operator does, and waits until it is.
    pub(crate) async fn renew(&self, instance: &Instance) -> anyhow::Result<()> {
        let renewed = format!(
            "select count(*) from operations where instance_id = '{}' and kind = 'renew' and state = 'succeeded'",
            instance.id
        );
        let before = self.count(&renewed).await?;
        self.begin_renewal(instance).await?;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while self.count(&renewed).await? == before {
            anyhow::ensure!(tokio::time::Instant::now() < deadline, "never renewed: {instance:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    pub(crate) async fn begin_renewal(&self, instance: &Instance) -> anyhow::Result<()> {
        let e = self.handle.endpoints();
        let said = tokio::process::Command::new(stack::program("cdnctl")?)
            .args(["renew", &instance.id])
            .env("DATABASE_URL", &e.database_url)
            .env("AMQP_URL", &e.amqp_url)
            .env("DELAY_QUEUES_MS", DELAY_QUEUES_MS)
            .output()
            .await?;
        let errors = String::from_utf8_lossy(&said.stderr);
        anyhow::ensure!(said.status.success(), "cdnctl renew: {errors}");
        Ok(())
    }

    pub(crate) async fn serves(&self, instance: &Instance) -> anyhow::Result<()> {
        let e = self.handle.endpoints();
        let browser = Browser::new(&e.pebble_root_pem, e.edge_http, e.edge_https)?;
        let visit = browser.https(&instance.domain, "/").await?;
        anyhow::ensure!(
            visit.status == 200,
            "https://{} answered {}",
            instance.domain,
            visit.status
        );
        Ok(())
    }

    /// Both domains lead to the target: it answers, the other one redirects.
    pub(crate) async fn redirects(&self, instance: &Instance, second: &str, target: &str) -> anyhow::Result<()> {
        let e = self.handle.endpoints();
        let browser = Browser::new(&e.pebble_root_pem, e.edge_http, e.edge_https)?;
        for domain in [instance.domain.as_str(), second] {
            let visit = browser.https(domain, "/page?x=1&x=2").await?;
            let there = (visit.status, visit.header("location").unwrap_or_default());
            let location = format!("https://{target}/page?x=1&x=2");
            let expected = if domain == target {
                (200, "")
            } else {
                (301, location.as_str())
            };
            anyhow::ensure!(
                there == expected,
                "https://{domain} answered {there:?}, not {expected:?}"
            );
        }
        Ok(())
    }

    /// Starts every worker that has died.
    pub(crate) async fn revive(&self) -> anyhow::Result<u32> {
        let mut revived = 0;
        for process in self.handle.endpoints_now().await?.processes {
            let is_worker = WORKERS.iter().any(|worker| process.name.starts_with(worker));
            if is_worker && process.pid.is_none() {
                self.handle.begin_again(&process.name).await?;
                revived += 1;
            }
        }
        Ok(revived)
    }

    /// Lets the frozen process go on, until it has done to the end what it had in hand for the instance.
    pub(crate) async fn thaw(&self, pid: u32, kind: &str, instance: &Instance) -> anyhow::Result<()> {
        let processes = self.handle.endpoints_now().await?.processes;
        let frozen = processes
            .iter()
            .find(|process| process.pid == Some(pid))
            .context("the frozen process is gone")?;
        let end = format!("{kind}@before-ack");
        self.points.arm(&end, &format!("mark {}", instance.id))?;
        self.handle.kill(&frozen.name, Signal::Cont).await?;
        self.until("the zombie has done its work", async || {
            Ok(self.points.hit(&end).is_some())
        })
        .await
    }

    async fn aws(&self) -> anyhow::Result<Value> {
        let url = format!("{}/state", self.handle.endpoints().aws_admin_url);
        Ok(reqwest::get(url).await?.json().await?)
    }

    /// The instance's distributions in AWS.
    pub(crate) async fn distributions(&self, instance: &Instance) -> anyhow::Result<usize> {
        let state = self.aws().await?;
        let all = state["distributions"].as_array().context("no distributions")?;
        Ok(all
            .iter()
            .filter(|d| d["caller_reference"] == instance.id.as_str())
            .count())
    }

    /// The instance's functions in AWS.
    pub(crate) async fn functions(&self, instance: &Instance) -> anyhow::Result<usize> {
        let state = self.aws().await?;
        let all = state["functions"].as_array().context("no functions")?;
        let comment = format!("cdn-broker {}", instance.id);
        Ok(all.iter().filter(|function| function["comment"] == comment).count())
    }

    /// Host names of the origins of the instance's distribution.
    pub(crate) async fn origins(&self, instance: &Instance) -> anyhow::Result<Vec<String>> {
        let state = self.aws().await?;
        let all = state["distributions"].as_array().context("no distributions")?;
        let own = all
            .iter()
            .find(|d| d["caller_reference"] == instance.id.as_str())
            .context("the instance has no distribution")?;
        Ok(serde_json::from_value(own["origins"].clone())?)
    }

    /// The instance's certificates in IAM.
    pub(crate) async fn certificates(&self, instance: &Instance) -> anyhow::Result<usize> {
        let state = self.aws().await?;
        let all = state["certificates"].as_array().context("no certificates")?;
        let names = |certificate: &Value| {
            certificate["names"]
                .as_array()
                .is_some_and(|names| names.iter().any(|name| name == instance.domain.as_str()))
        };
        Ok(all.iter().filter(|certificate| names(certificate)).count())
    }

    async fn database(&self) -> anyhow::Result<tokio_postgres::Client> {
        self.handle.endpoints().database().await
    }

    /// One figure from the services' database.
    pub(crate) async fn count(&self, sql: &str) -> anyhow::Result<i64> {
        Ok(self.database().await?.query_one(sql, &[]).await?.get(0))
    }

    /// Waits until the broker has removed every value from its zone.
    pub(crate) async fn zone_is_tidy(&self) -> anyhow::Result<()> {
        let endpoint = self.handle.endpoints().delegation.as_ref().context("no zone")?;
        self.until("no value is left in the broker's zone", async || {
            Ok(endpoint.texts()?.is_empty())
        })
        .await
    }

    /// Meddles with the services' database.
    pub(crate) async fn sql(&self, sql: &str) -> anyhow::Result<()> {
        Ok(self.database().await?.batch_execute(sql).await?)
    }

    /// Waits until it holds.
    pub(crate) async fn until(
        &self,
        what: &str,
        mut holds: impl AsyncFnMut() -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !holds().await? {
            anyhow::ensure!(tokio::time::Instant::now() < deadline, "never came true: {what}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

/// An instance with one domain.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) domain: String,
}

impl Instance {
    /// Whether its tenant proves the domain by a CNAME: half of them do.
    fn is_delegated(&self) -> bool {
        self.id.bytes().next().is_some_and(|digit| digit % 2 == 0)
    }
}
