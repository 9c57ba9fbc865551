//! The instances, each in a state that an operator meets.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use customer::{Platform, status};
use messaging::{AmqpArgs, Messaging};
use pipeline::Service;
use serde_json::{Value, json};
use stack::{DELAY_QUEUES_MS, Dns, Handle, Options};
use tokio::time::{Instant, sleep};

use crate::operator::Operator;

const PATIENCE: Duration = Duration::from_secs(120);
/// Serves two domains.
const SHOP: &str = "11111111-0000-4000-8000-000000000001";
/// Waits for its user's DNS.
const BLOG: &str = "22222222-0000-4000-8000-000000000002";
/// Failed: the shop had proved its domain before.
const COPY: &str = "33333333-0000-4000-8000-000000000003";
/// Serves, while a renewal waits for a record that is gone.
const NEWS: &str = "44444444-0000-4000-8000-000000000004";

pub(crate) fn options() -> Options {
    // A domain is probed seldom, so that there is something to retry. For all services, since they are compared.
    let schedule = "first=300ms,factor=1.5,max=20s,jitter=0%,deadline=7d,limit=15s";
    let mut options = Options::fast().with_env("all", "SCHEDULE_VERIFY_CHALLENGE", schedule);
    // Else the CA may hold the news valid still.
    options.pebble_env.insert("PEBBLE_AUTHZREUSE".into(), "0".into());
    options
}

struct Scene {
    platform: Platform,
    dns: Dns,
}

/// Sets the scene.
pub(crate) async fn set(handle: &Handle, operator: &Operator) -> anyhow::Result<()> {
    let e = handle.endpoints();
    let scene = Scene {
        platform: Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?,
        dns: handle.dns()?,
    };
    scene
        .ask(SHOP, "org-shop", &["shop.example.com", "www.shop.example.com"])
        .await?;
    scene.ask(COPY, "org-copy", &["shop.example.com"]).await?;
    scene.ask(NEWS, "org-news", &["news.example.net"]).await?;
    scene.prove(SHOP, &["shop.example.com", "www.shop.example.com"]).await?;
    scene.prove(NEWS, &["news.example.net"]).await?;
    for ready in [SHOP, NEWS] {
        scene.platform.succeeded(ready, PATIENCE).await?;
    }
    scene.platform.failed(COPY, PATIENCE).await?;

    // Somebody tidied up the record of the news; the domain leads to the web server, not to the edge, so HTTP proves nothing.
    scene.dns.clear_txt("_validation-persist.news.example.net").await?;
    scene
        .dns
        .add_a("news.example.net", &[&e.origin_addr.ip().to_string()])
        .await?;
    operator.says(&format!("cdnctl renew {NEWS}")).await?;
    scene.ask(BLOG, "org-blog", &["blog.example.org"]).await?;
    for waiting in [BLOG, NEWS] {
        until_it_waits(operator, waiting).await?;
    }
    park(handle, operator).await
}

impl Scene {
    async fn ask(&self, id: &str, organization: &str, domains: &[&str]) -> anyhow::Result<()> {
        let answer = self
            .platform
            .provision(id, organization, json!({"domains": domains}))
            .await?;
        ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
        Ok(())
    }

    async fn prove(&self, id: &str, domains: &[&str]) -> anyhow::Result<()> {
        let told = |answer: &customer::Answer| status::persist_value(answer.description()).is_some();
        let answer = self.platform.poll(id, PATIENCE, "what to set", told).await?;
        let value = status::persist_value(answer.description()).context("a record")?;
        for domain in domains {
            self.dns
                .set_txt(&format!("_validation-persist.{domain}"), &value)
                .await?;
        }
        Ok(())
    }
}

/// The newest operation.
async fn newest(operator: &Operator, id: &str) -> anyhow::Result<Value> {
    let said = operator
        .says(&format!("cdnctl show {id} --operation last --json"))
        .await?;
    let json: Value = serde_json::from_str(&said).with_context(|| said.clone())?;
    Ok(json["operations"][0].clone())
}

fn verifying(operation: &Value) -> Option<&Value> {
    let mut steps = operation["steps"].as_array()?.iter();
    steps.find(|step| step["kind"] == "verify-challenge" && step["state"] == "waiting")
}

async fn until_it_waits(operator: &Operator, id: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let operation = newest(operator, id).await?;
        if verifying(&operation).is_some_and(|step| step["attempt"].as_i64() > Some(7)) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{id} does not wait: {operation}");
        sleep(Duration::from_millis(200)).await;
    }
}

/// The note that a worker leaves of a step that it could not bear, and what no worker can read.
async fn park(handle: &Handle, operator: &Operator) -> anyhow::Result<()> {
    let operation = newest(operator, BLOG).await?;
    let step = verifying(&operation).context("a step that waits")?;
    let args = AmqpArgs {
        delay_queues_ms: DELAY_QUEUES_MS.parse().map_err(anyhow::Error::msg)?,
        ..AmqpArgs::at(&handle.endpoints().amqp_url)
    };
    let messaging = Messaging::new(args, "cdnctl-docs");
    let note = json!({"v": 1, "step": step["id"], "attempt": step["attempt"]}).to_string();
    let reason = format!(
        "the attempt took longer than 15s, 3 times in a row: verify-challenge blog.example.org of instance {BLOG}"
    );
    messaging
        .park(Service::ChallengeVerifier, note.as_bytes(), &reason)
        .await?;
    let unread = "not a wake-up: expected value at line 1 column 1";
    messaging.park(Service::Distribution, b"hello", unread).await?;
    messaging.close().await;
    Ok(())
}
