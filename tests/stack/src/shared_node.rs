//! One RabbitMQ node for many stacks, each with its own virtual host: starting RabbitMQ is half of the work of a
//! stack's start.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use crate::folder;
use crate::ports::Ports;
use crate::process::Processes;
use crate::progress::say;
use crate::rabbitmq::{self, Rabbitmq};
use crate::run::{End, listen_to_signals, print, read_commands};

/// The variable that names such a node to stacks, as JSON.
pub const SHARED_RABBITMQ: &str = "STACK_SHARED_RABBITMQ";
/// The time limit of a call to the node.
const LIMIT: Duration = Duration::from_secs(30);

/// The node's address; the cookie gives full control over it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SharedNode {
    pub(crate) port: u16,
    distribution_port: u16,
    cookie: String,
}

impl SharedNode {
    /// The node that was offered to this process.
    pub(crate) fn offered() -> anyhow::Result<Option<Self>> {
        let Ok(json) = std::env::var(SHARED_RABBITMQ) else {
            return Ok(None);
        };
        serde_json::from_str(&json).context(SHARED_RABBITMQ)
    }

    /// Creates a virtual host, in which the user guest has all rights.
    pub(crate) async fn add_vhost(&self, name: &str) -> anyhow::Result<()> {
        self.evaluate(&format!(
            "ok = rabbit_vhost:add(<<\"{name}\">>, <<\"stack\">>), \
             ok = rabbit_auth_backend_internal:set_permissions(\
                 <<\"guest\">>, <<\"{name}\">>, <<\".*\">>, <<\".*\">>, <<\".*\">>, <<\"stack\">>)"
        ))
        .await
    }

    /// Deletes a virtual host with its queues, and closes its connections.
    pub(crate) async fn delete_vhost(&self, name: &str) -> anyhow::Result<()> {
        self.evaluate(&format!("ok = rabbit_vhost:delete(<<\"{name}\">>, <<\"stack\">>)"))
            .await
    }

    /// Makes the node evaluate Erlang. `rabbitmqctl` could do the same, but starts a whole Erlang VM for it.
    async fn evaluate(&self, expressions: &str) -> anyhow::Result<()> {
        let mut call = Command::new("erl_call")
            .args(["-address", &format!("localhost:{}", self.distribution_port)])
            // Two callers with the same name would lock each other out.
            .args(["-h", &format!("stack{}", std::process::id())])
            .args(["-c", &self.cookie, "-e"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot run erl_call")?;
        let mut input = call.stdin.take().context("no standard input")?;
        let output = timeout(LIMIT, async {
            // If it has ended already, its output says why.
            input.write_all(format!("{expressions}.\n").as_bytes()).await.ok();
            drop(input);
            call.wait_with_output().await
        })
        .await
        .context("RabbitMQ's node does not answer")??;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(
            output.status.success() && said.starts_with("{ok"),
            "RabbitMQ's node answered {said} {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }
}

/// Runs a node for other stacks until a signal or the end of standard input; prints the value for [`SHARED_RABBITMQ`].
///
/// Must be called like [`run`](crate::run()).
///
/// # Errors
/// When it can't be started.
pub async fn run_rabbitmq() -> anyhow::Result<()> {
    let end = End::new(None);
    listen_to_signals(&end)?;
    let _commands = read_commands(true, &end);
    let mut ended = end.subscribe();

    let mut ports = Ports::reserve()?;
    let folder = folder::create(None)?;
    let node = Rabbitmq::new(&mut ports, None)?;
    let processes = Processes::default();
    let started = tokio::select! {
        started = node.start(&processes, &folder) => started.context("RabbitMQ"),
        _ = ended.wait_for(Option::is_some) => Ok(()),
    };
    if started.is_ok() && ended.borrow().is_none() {
        print(&SharedNode {
            port: node.port,
            distribution_port: node.distribution_port,
            cookie: node.cookie.clone(),
        });
        say(format_args!("RabbitMQ is ready for other stacks"));
        ended.wait_for(Option::is_some).await?;
    }
    for name in [rabbitmq::NAME, rabbitmq::EPMD] {
        if let Ok(spec) = processes.spec(name) {
            processes.stop(name, spec.quick, spec.grace).await?;
        }
    }
    folder::remove(&folder).await?;
    started
}
