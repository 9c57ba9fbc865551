//! The location of a stack's queues: a separate RabbitMQ node, or a virtual host of a shared one.

use std::path::Path;

use anyhow::Context as _;

use crate::options::Options;
use crate::ports::Ports;
use crate::process::Processes;
use crate::rabbitmq::Rabbitmq;
use crate::shared_node::SharedNode;
use crate::tls::Tls;

/// The virtual host of a separate node.
const DEFAULT: &str = "%2f";

pub(crate) enum Queues {
    Own(Rabbitmq),
    Shared { node: SharedNode, vhost: String },
}

impl Queues {
    pub(crate) fn choose(options: &Options, ports: &mut Ports, tls: Option<Tls>) -> anyhow::Result<Self> {
        if !options.own_rabbitmq
            && tls.is_none()
            && let Some(node) = SharedNode::offered()?
        {
            let vhost = format!("stack-{}", std::process::id());
            return Ok(Self::Shared { node, vhost });
        }
        Ok(Self::Own(Rabbitmq::new(ports, tls)?))
    }

    pub(crate) async fn start(&self, processes: &Processes, folder: &Path) -> anyhow::Result<()> {
        match self {
            Self::Own(node) => node.start(processes, folder).await,
            Self::Shared { node, vhost } => node.add_vhost(vhost).await,
        }
    }

    /// Leaves nothing on a shared node. A separate node is stopped as a process.
    pub(crate) async fn leave(&self) -> anyhow::Result<()> {
        match self {
            Self::Own(_) => Ok(()),
            Self::Shared { node, vhost } => node.delete_vhost(vhost).await,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        match self {
            Self::Own(node) => node.port,
            Self::Shared { node, .. } => node.port,
        }
    }

    /// The URL at this port (RabbitMQ's own or a proxy's).
    pub(crate) fn url(&self, port: u16) -> String {
        let vhost = match self {
            Self::Own(_) => DEFAULT,
            Self::Shared { vhost, .. } => vhost,
        };
        format!("amqp://guest:guest@127.0.0.1:{port}/{vhost}")
    }

    /// The URL by TLS and the certificates, if TLS is enabled.
    pub(crate) fn tls(&self) -> Option<(String, &Tls)> {
        let (port, tls) = match self {
            Self::Own(node) => node.tls.as_ref()?,
            Self::Shared { .. } => return None,
        };
        Some((format!("amqps://guest:guest@localhost:{port}/{DEFAULT}"), tls))
    }

    /// The separate node, to restart it.
    pub(crate) fn own(&self) -> anyhow::Result<&Rabbitmq> {
        match self {
            Self::Own(node) => Some(node),
            Self::Shared { .. } => None,
        }
        .context("other stacks use this RabbitMQ, too: start this one with Options::with_own_rabbitmq")
    }
}
