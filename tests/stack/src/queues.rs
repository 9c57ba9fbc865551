//! Where a stack has its queues: on a RabbitMQ node of its own, or in a virtual host of one that others use, too.

use std::path::Path;

use anyhow::Context as _;

use crate::options::Options;
use crate::ports::Ports;
use crate::process::Processes;
use crate::rabbitmq::Rabbitmq;
use crate::shared_node::SharedNode;
use crate::tls::Tls;

/// The virtual host of a node of one's own.
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

    /// Leaves nothing on a node that others go on using. A node of its own is stopped as a process.
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

    /// At this port (RabbitMQ's own or a proxy's).
    pub(crate) fn url(&self, port: u16) -> String {
        let vhost = match self {
            Self::Own(_) => DEFAULT,
            Self::Shared { vhost, .. } => vhost,
        };
        format!("amqp://guest:guest@127.0.0.1:{port}/{vhost}")
    }

    /// By TLS, with the port and what it takes.
    pub(crate) fn tls(&self) -> Option<(String, &Tls)> {
        let (port, tls) = match self {
            Self::Own(node) => node.tls.as_ref()?,
            Self::Shared { .. } => return None,
        };
        Some((format!("amqps://guest:guest@localhost:{port}/{DEFAULT}"), tls))
    }

    /// The node, to start it again.
    pub(crate) fn own(&self) -> anyhow::Result<&Rabbitmq> {
        match self {
            Self::Own(node) => Some(node),
            Self::Shared { .. } => None,
        }
        .context("other stacks use this RabbitMQ, too: start this one with Options::with_own_rabbitmq")
    }
}
