//! The stack, and the instances on it.

use std::process::Stdio;

use anyhow::{Context as _, ensure};
use customer::Platform;
use serde_json::json;
use stack::{DELAY_QUEUES_MS, Dns, Handle, Options, Signal};
use tokio::process::Command;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::chromium::Chromium;

/// A whole broker, and who talks to it.
pub struct Scene {
    /// The stack.
    pub stack: Handle,
    /// Cloud Controller.
    pub platform: Platform,
    /// The tenants' DNS.
    pub dns: Dns,
    /// Whoever freezes a process is the only one.
    turn: Mutex<()>,
}

/// An instance.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its id.
    pub id: String,
    /// The organization that it belongs to.
    pub organization: String,
    /// The link to its page, as the platform was told it at the moment of the request.
    pub link: String,
}

impl Scene {
    /// Starts a stack.
    ///
    /// # Errors
    /// When it doesn't start.
    pub async fn start() -> anyhow::Result<Self> {
        let stack = Handle::start(options()).await?;
        let e = stack.endpoints();
        Ok(Self {
            platform: Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?,
            dns: stack.dns()?,
            turn: Mutex::new(()),
            stack,
        })
    }

    /// A window of Chromium for its pages.
    ///
    /// # Errors
    /// When it doesn't start.
    pub async fn window(&self) -> anyhow::Result<Chromium> {
        Chromium::start(&self.stack.endpoints().broker_url).await
    }

    /// Asks for an instance, in an organization that has no other.
    ///
    /// # Errors
    /// When the broker refuses it, or tells no link.
    pub async fn create(&self, domains: &[&str]) -> anyhow::Result<Instance> {
        let (id, organization) = (Uuid::new_v4().to_string(), format!("org-{}", Uuid::new_v4()));
        let parameters = json!({"domains": domains});
        let answer = self.platform.provision(&id, &organization, parameters).await?;
        ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
        let link = answer.dashboard_url().context("no dashboard_url")?.to_owned();
        Ok(Instance { id, organization, link })
    }

    /// Works while a process is frozen, so that what waits for it waits for as long as it is looked at.
    ///
    /// # Errors
    /// When the work fails, or the process can't be frozen.
    pub async fn frozen<T>(&self, process: &str, work: impl AsyncFnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        let _turn = self.turn.lock().await;
        self.stack.kill(process, Signal::Stop).await?;
        let done = work().await;
        self.stack.kill(process, Signal::Cont).await?;
        done
    }

    /// Points a domain at the customer's old web server.
    ///
    /// # Errors
    /// When the DNS server can't be reached.
    pub async fn to_the_old_server(&self, domain: &str) -> anyhow::Result<()> {
        let address = self.stack.endpoints().origin_addr.ip().to_string();
        self.dns.add_a(domain, &[&address]).await
    }

    /// Points it at the edge.
    ///
    /// # Errors
    /// When the DNS server can't be reached.
    pub async fn to_the_edge(&self, domain: &str) -> anyhow::Result<()> {
        let address = self.stack.endpoints().edge_https.ip().to_string();
        self.dns.add_a(domain, &[&address]).await
    }

    /// Renews an instance's certificate now, as its operator may.
    ///
    /// # Errors
    /// When `cdnctl renew` fails.
    pub async fn renew(&self, id: &str) -> anyhow::Result<()> {
        self.cdnctl(&["renew", id]).await
    }

    /// Ends the link to an instance's page, as its operator may.
    ///
    /// # Errors
    /// When `cdnctl link` fails.
    pub async fn revoke(&self, id: &str) -> anyhow::Result<()> {
        self.cdnctl(&["link", id, "--revoke"]).await
    }

    async fn cdnctl(&self, args: &[&str]) -> anyhow::Result<()> {
        let e = self.stack.endpoints();
        let output = Command::new(stack::program("cdnctl")?)
            .args(args)
            .env_clear()
            .env("DATABASE_URL", &e.database_url)
            .env("AMQP_URL", &e.amqp_url)
            .env("DELAY_QUEUES_MS", DELAY_QUEUES_MS)
            .stdin(Stdio::null())
            .output()
            .await?;
        let said = [output.stdout, output.stderr].concat();
        ensure!(
            output.status.success(),
            "cdnctl {args:?}: {}",
            String::from_utf8_lossy(&said)
        );
        Ok(())
    }
}

/// Seconds in place of minutes. When a certificate is to be renewed is decided at once; every order has to be proved anew.
fn options() -> Options {
    let mut options = Options::fast()
        .with_env("certificate-issuer", "RENEWAL_INTERVAL", "300ms")
        .with_env("certificate-issuer", "RENEWAL_INFO_INTERVAL", "0s")
        // Pages are reloaded until they show what is waited for.
        .with_env("broker-api", "PAGE_RATE_LIMIT", "0");
    options.pebble_env.insert("PEBBLE_AUTHZREUSE".into(), "0".into());
    options
}
