//! The broker's own DNS zone, to which tenants delegate challenges: Knot serves it and takes signed updates (RFC 2136), or two
//! processes of dns-responder serve it; and Unbound resolves names in it, and all others by challtestsrv.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::process::{Processes, Spec};

/// The zone.
pub const DELEGATION_ZONE: &str = "acme.cdn.test";
/// The name server's process.
pub(crate) const KNOT: &str = "knotd";
/// The resolver's process.
pub(crate) const UNBOUND: &str = "unbound";
/// The key of the updates.
const KEY: &str = "cdn-broker";
const LIMIT: Duration = Duration::from_secs(20);
const LOCAL: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// Who serves the zone.
pub(crate) enum Server {
    /// With the secret of the updates' key, base64.
    Knot { port: u16, secret: String },
    /// The ports of two processes.
    Responders([u16; 2]),
}

/// The zone's servers.
pub(crate) struct Delegation {
    pub(crate) server: Server,
    pub(crate) unbound_port: u16,
    pub(crate) challtestsrv_port: u16,
}

/// Where the zone is served.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DelegationEndpoint {
    /// The name server.
    pub server: SocketAddr,
    /// The socket of `knotc`.
    pub control: std::path::PathBuf,
}

impl DelegationEndpoint {
    /// The TXT records in the zone, as the name server knows them: a line for each.
    pub fn texts(&self) -> anyhow::Result<Vec<String>> {
        let read = self.knotc(&["zone-read", DELEGATION_ZONE])?;
        Ok(read
            .lines()
            .filter(|line| line.contains(" TXT "))
            .map(str::to_owned)
            .collect())
    }

    /// Adds a TXT record, as somebody else with rights in the zone.
    pub fn add_text(&self, label: &str, value: &str) -> anyhow::Result<()> {
        self.knotc(&["zone-begin", DELEGATION_ZONE])?;
        self.knotc(&["zone-set", DELEGATION_ZONE, label, "30", "TXT", value])?;
        self.knotc(&["zone-commit", DELEGATION_ZONE])?;
        Ok(())
    }

    /// Removes the TXT records of a name, as somebody else with rights in the zone.
    pub fn remove_texts(&self, label: &str) -> anyhow::Result<()> {
        self.knotc(&["zone-begin", DELEGATION_ZONE])?;
        self.knotc(&["zone-unset", DELEGATION_ZONE, label, "TXT"])?;
        self.knotc(&["zone-commit", DELEGATION_ZONE])?;
        Ok(())
    }

    fn knotc(&self, args: &[&str]) -> anyhow::Result<String> {
        let output = Command::new("/usr/sbin/knotc")
            .arg("-s")
            .arg(&self.control)
            .args(args)
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "knotc {args:?}: {said}");
        Ok(String::from_utf8(output.stdout)?)
    }
}

impl Delegation {
    /// The resolver's address.
    pub(crate) fn resolver(&self) -> SocketAddr {
        (LOCAL, self.unbound_port).into()
    }

    pub(crate) fn endpoint(&self, folder: &Path) -> DelegationEndpoint {
        DelegationEndpoint {
            server: (LOCAL, self.ports()[0]).into(),
            control: folder.join("knot.sock"),
        }
    }

    /// The ports of the zone's servers.
    fn ports(&self) -> &[u16] {
        match &self.server {
            Server::Knot { port, .. } => std::slice::from_ref(port),
            Server::Responders(ports) => ports,
        }
    }

    /// The issuer's settings.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("DELEGATION_ZONE", DELEGATION_ZONE.to_owned()),
            ("DELEGATION_INTERVAL", "1s".to_owned()),
            ("DELEGATION_RECONCILE_INTERVAL", "2s".to_owned()),
        ];
        match &self.server {
            Server::Knot { port, secret } => settings.extend([
                ("RFC2136_SERVER", format!("{LOCAL}:{port}")),
                ("RFC2136_KEY_NAME", KEY.to_owned()),
                ("RFC2136_KEY", secret.clone()),
            ]),
            Server::Responders(_) => settings.push(("DNS_WRITER", "responder".to_owned())),
        }
        settings
    }

    /// Starts Unbound, and before it Knot; dns-responder is one of the services.
    pub(crate) async fn start(&self, processes: &Processes, folder: &Path) -> anyhow::Result<()> {
        let mut servers = Vec::new();
        if let Server::Knot { port, secret } = &self.server {
            servers.push((KNOT, knot(folder, *port, secret)?));
        }
        servers.push((UNBOUND, self.unbound(folder)));
        for (name, config) in servers {
            let file = folder.join(name).with_extension("conf");
            fs::write(&file, config)?;
            // Under another path: AppArmor doesn't let /usr/sbin/unbound read files here.
            let program = folder.join(format!("bin-{name}"));
            let installed = format!("/usr/sbin/{name}");
            fs::copy(&installed, &program).with_context(|| format!("{installed}; run tests/setup.sh"))?;
            let file = file.display().to_string();
            let args: &[&str] = match name {
                KNOT => &["-c", &file],
                _ => &["-d", "-p", "-c", &file],
            };
            let spec = Spec::new(name, program, folder).args(args.iter().copied());
            self.launch(processes, spec).await?;
        }
        Ok(())
    }

    fn unbound(&self, folder: &Path) -> String {
        let servers = self.ports().iter().map(|port| format!("  stub-addr: {LOCAL}@{port}\n"));
        format!(
            "server:\n  interface: {LOCAL}@{port}\n  access-control: 127.0.0.0/8 allow\n  username: \"\"\n  chroot: \"\"\n  \
             directory: \"{of_stack}\"\n  pidfile: \"\"\n  use-syslog: no\n  do-daemonize: no\n  num-threads: 1\n  \
             do-not-query-localhost: no\n  local-zone: \"test.\" nodefault\n  module-config: \"iterator\"\n  \
             cache-max-ttl: 0\n  cache-max-negative-ttl: 0\n  infra-host-ttl: 1\n  qname-minimisation: no\n  \
             minimal-responses: yes\nstub-zone:\n  name: \"{DELEGATION_ZONE}.\"\n{servers}  \
             stub-no-cache: yes\nforward-zone:\n  name: \".\"\n  forward-addr: {LOCAL}@{others}\n  forward-no-cache: yes\n\
             remote-control:\n  control-enable: no\n",
            of_stack = folder.display(),
            port = self.unbound_port,
            servers = servers.collect::<String>(),
            others = self.challtestsrv_port,
        )
    }

    /// Starts one of them (again).
    pub(crate) async fn launch(&self, processes: &Processes, spec: Spec) -> anyhow::Result<()> {
        let port = match (spec.name.as_str(), &self.server) {
            (KNOT, Server::Knot { port, .. }) => *port,
            _ => self.unbound_port,
        };
        // The services start later, and dns-responder with them.
        let has_zone = matches!(self.server, Server::Knot { .. });
        processes.launch(spec, LIMIT, || answers(port, has_zone)).await
    }
}

/// Knot's configuration; the zone's file is written beside it.
fn knot(folder: &Path, port: u16, secret: &str) -> anyhow::Result<String> {
    let of_stack = folder.display();
    let zone =
        format!("$ORIGIN {DELEGATION_ZONE}.\n$TTL 30\n@ SOA ns admin 1 3600 3600 86400 0\n@ NS ns\nns A {LOCAL}\n");
    fs::create_dir_all(folder.join("knot"))?;
    fs::write(folder.join("knot/zone"), zone)?;
    Ok(format!(
        "server:\n  rundir: \"{of_stack}\"\n  listen: \"{LOCAL}@{port}\"\n  udp-workers: 1\n  tcp-workers: 1\n  \
             background-workers: 1\ndatabase:\n  storage: \"{of_stack}/knot\"\nlog:\n  - target: stderr\n    any: info\nkey:\n  \
             - id: {KEY}\n    algorithm: hmac-sha256\n    secret: {secret}\nacl:\n  - id: broker\n    key: {KEY}\n    \
             action: [update, transfer]\nzone:\n  - domain: {DELEGATION_ZONE}.\n    storage: \"{of_stack}/knot\"\n    \
             file: zone\n    zonefile-sync: 0\n    zonefile-load: difference\n    semantic-checks: off\n    acl: broker\n",
    ))
}

/// Whether the server answers, and knows the zone if there is one already.
async fn answers(port: u16, has_zone: bool) -> bool {
    // A query for the zone's SOA record (RFC 1035 §4.1), recursive.
    let mut query = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in DELEGATION_ZONE.split('.') {
        query.push(u8::try_from(label.len()).unwrap_or(0));
        query.extend(label.as_bytes());
    }
    query.extend([0, 0, 6, 0, 1]);
    let asked = async {
        let socket = UdpSocket::bind((LOCAL, 0)).await?;
        socket.connect((LOCAL, port)).await?;
        socket.send(&query).await?;
        let mut answer = [0; 512];
        let length = socket.recv(&mut answer).await?;
        // No error, and an answer.
        let knows_it = answer[3] & 0xf == 0 && answer[7] > 0;
        std::io::Result::Ok(length > 12 && (knows_it || !has_zone))
    };
    matches!(timeout(Duration::from_secs(1), asked).await, Ok(Ok(true)))
}
