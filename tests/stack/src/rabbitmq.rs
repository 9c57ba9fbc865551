//! RabbitMQ: a separate node with its own epmd.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::ports::Ports;
use crate::process::{Processes, Spec};
use crate::secret;
use crate::tls::Tls;

/// A node starts in 5 s, all of it CPU time: beside six stacks on two processors (load 25) it took over 60 s.
const LIMIT: Duration = Duration::from_secs(180);
/// The node's name in commands.
pub(crate) const NAME: &str = "rabbitmq";
/// The port mapper's name in commands.
pub(crate) const EPMD: &str = "epmd";
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// The settings to run it.
pub(crate) struct Rabbitmq {
    pub(crate) port: u16,
    pub(crate) distribution_port: u16,
    pub(crate) epmd_port: u16,
    pub(crate) cookie: String,
    /// The port of AMQP over TLS, in addition to the plain one.
    pub(crate) tls: Option<(u16, Tls)>,
}

impl Rabbitmq {
    /// Chooses its ports and its secret.
    pub(crate) fn new(ports: &mut Ports, tls: Option<Tls>) -> anyhow::Result<Self> {
        Ok(Self {
            port: ports.take()?,
            distribution_port: ports.take()?,
            epmd_port: ports.take()?,
            cookie: secret::password()?,
            tls: tls.map(|tls| anyhow::Ok((ports.take()?, tls))).transpose()?,
        })
    }

    /// Starts epmd, then the node.
    pub(crate) async fn start(&self, processes: &Processes, folder: &Path) -> anyhow::Result<()> {
        ensure!(
            Path::new(SERVER).exists(),
            "RabbitMQ isn't installed; run tests/setup.sh"
        );
        // A node would start an epmd daemon that outlives it; if ours is running already, it doesn't.
        let epmd =
            Spec::new(EPMD, "epmd", folder).args(["-port", &self.epmd_port.to_string(), "-address", "127.0.0.1"]);
        self.launch_epmd(processes, epmd).await?;
        self.launch(processes, self.node(folder)?).await
    }

    fn node(&self, folder: &Path) -> anyhow::Result<Spec> {
        let home = folder.join(NAME);
        fs::create_dir_all(&home)?;
        let file = |name: &str, content: &str| -> anyhow::Result<String> {
            let path = home.join(name);
            fs::write(&path, content)?;
            Ok(path.display().to_string())
        };
        let cookie = file(".erlang.cookie", &self.cookie)?;
        fs::set_permissions(cookie, fs::Permissions::from_mode(0o400))?;
        let mut config = format!(
            "listeners.tcp.1 = 127.0.0.1:{}\n\
             log.console = true\n\
             log.console.level = info\n\
             log.file = false\n\
             disk_free_limit.absolute = 50MB\n\
             vm_memory_high_watermark.absolute = 768MB\n\
             # Quorum queues keep up to this much in memory; 512 MB by default.\n\
             raft.wal_max_size_bytes = 33554432\n",
            self.port
        );
        if let Some((port, tls)) = &self.tls {
            config.push_str(&format!(
                "listeners.ssl.1 = 127.0.0.1:{port}\n\
                 ssl_options.cacertfile = {}\n\
                 ssl_options.certfile = {}\n\
                 ssl_options.keyfile = {}\n",
                tls.ca().display(),
                tls.certificate().display(),
                tls.key().display(),
            ));
        }
        let mut node = Spec::new(NAME, SERVER, folder)
            // Together these make the script exec the Erlang VM, which then dies with the supervisor.
            .env("RABBITMQ_ALLOW_INPUT", "true")
            .args(["-noinput"])
            .env("RABBITMQ_NODENAME", format!("cdn{}@localhost", self.port))
            .env("RABBITMQ_NODE_PORT", self.port.to_string())
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_DIST_PORT", self.distribution_port.to_string())
            .env(
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +A 8",
            )
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_CONFIG_FILE", file("rabbitmq.conf", &config)?)
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", file("advanced.config", "[].\n")?)
            .env("RABBITMQ_CONF_ENV_FILE", file("rabbitmq-env.conf", "")?)
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", file("enabled_plugins", "[].\n")?)
            .env("RABBITMQ_MNESIA_BASE", home.join("mnesia").display().to_string())
            .env("RABBITMQ_LOG_BASE", home.join("log").display().to_string())
            .env(
                "RABBITMQ_GENERATED_CONFIG_DIR",
                home.join("config").display().to_string(),
            )
            .env("RABBITMQ_PID_FILE", home.join("pid").display().to_string())
            .env("RABBITMQ_LOGS", "-");
        node.folder = home;
        node.quick = Signal::SIGKILL;
        node.grace = Duration::from_secs(30);
        Ok(node)
    }

    /// Starts epmd (again).
    pub(crate) async fn launch_epmd(&self, processes: &Processes, epmd: Spec) -> anyhow::Result<()> {
        let ready = || async { TcpStream::connect(("127.0.0.1", self.epmd_port)).await.is_ok() };
        processes.launch(epmd, LIMIT, ready).await
    }

    /// Starts the node (again), and waits for the AMQP greeting.
    pub(crate) async fn launch(&self, processes: &Processes, node: Spec) -> anyhow::Result<()> {
        processes
            .launch(node, LIMIT, || async { greets(self.port).await.unwrap_or(false) })
            .await
    }
}

/// Whether the port speaks AMQP: the response to the protocol header is a method frame, Connection.Start.
async fn greets(port: u16) -> anyhow::Result<bool> {
    let exchange = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(b"AMQP\x00\x00\x09\x01").await?;
        anyhow::Ok(stream.read_u8().await? == 1)
    };
    timeout(Duration::from_secs(2), exchange).await?
}
