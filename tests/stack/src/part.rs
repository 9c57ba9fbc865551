//! One part alone in the foreground, on all addresses: the process of a container of docker-compose.yml.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::aws_sim;
use crate::dns::{Challtestsrv, Dns};
use crate::endpoints::AccessKey;
use crate::http::Http;
use crate::options::NINETY_DAYS;
use crate::origin::Origin;
use crate::origin_tls::TlsListener;
use crate::pebble::{self, Pebble};
use crate::process::Spec;
use crate::progress::say;

const ANYWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
/// The time limit until a part responds.
const LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// One part of a stack.
#[derive(clap::Subcommand)]
pub enum Part {
    /// Pebble, with a certificate for its own server; its roots, a new one with each start, are written to the folder.
    Pebble {
        /// Where its files are: pebble-server-ca.pem, pebble-root.pem and pebble-roots.pem are for the others.
        #[arg(long)]
        folder: PathBuf,
        /// What its callers call it.
        #[arg(long, default_value = "pebble")]
        name: String,
        /// The resolver.
        #[arg(long)]
        dns: SocketAddr,
        /// The address of HTTP-01 answers.
        #[arg(long, default_value_t = 8080)]
        http_port: u16,
    },
    /// pebble-challtestsrv: a DNS whose records are set through its management interface (8055).
    Dns {
        /// The port of the resolver itself.
        #[arg(long, default_value_t = 8053)]
        port: u16,
        /// Where every name without a record of its own is.
        #[arg(long)]
        edge: Ipv4Addr,
        /// Names of the stack's own servers.
        #[arg(long = "name", value_name = "NAME=ADDRESS", value_parser = name_and_address)]
        names: Vec<(String, Ipv4Addr)>,
    },
    /// The customer's old web server: echoes what it is asked, and redirects challenges on request.
    Origin {
        /// Plain HTTP.
        #[arg(long, default_value_t = 8080)]
        port: u16,
        /// The same by TLS, as `origin.cdn.test`.
        #[arg(long, default_value_t = 8443)]
        tls_port: u16,
        /// Takes `POST /redirect {"host","to"}`.
        #[arg(long, default_value_t = 8081)]
        control_port: u16,
        /// Where the CA of its certificate is written to.
        #[arg(long)]
        ca: PathBuf,
    },
    /// aws-sim, set up by its own variables, where each service may do what docs/aws allows it and no more.
    AwsSim {
        /// The access key of a role (distribution, cert-installer, admin).
        #[arg(long = "key", value_name = "ROLE=ID:SECRET", value_parser = role_and_key)]
        keys: Vec<(String, AccessKey)>,
    },
}

fn role_and_key(text: &str) -> Result<(String, AccessKey), String> {
    let parsed = text
        .split_once('=')
        .and_then(|(role, key)| Some((role, key.split_once(':')?)));
    let (role, (id, secret)) = parsed.ok_or("write ROLE=ID:SECRET")?;
    let (id, secret) = (id.to_owned(), secret.to_owned());
    Ok((role.to_owned(), AccessKey { id, secret }))
}

fn name_and_address(text: &str) -> Result<(String, Ipv4Addr), String> {
    let (name, address) = text.split_once('=').ok_or("write NAME=ADDRESS")?;
    let address = address.parse().map_err(|error| format!("{address}: {error}"))?;
    Ok((name.to_owned(), address))
}

/// Runs it until SIGTERM or SIGINT, or until it ends by itself, which is an error.
///
/// # Errors
/// When it can't be started, doesn't respond, or ends.
pub async fn run_part(part: Part) -> anyhow::Result<()> {
    match part {
        Part::Pebble {
            folder,
            name,
            dns,
            http_port,
        } => {
            let pebble = Pebble {
                address: ANYWHERE,
                name: Some(name),
                port: 14000,
                own_port: 14000,
                management_port: 15000,
                http_port,
                tls_port: 8443,
                dns,
                roots_pem: folder.join("pebble-roots.pem"),
                folder,
                certificate_secs: NINETY_DAYS,
                process: pebble::NAME,
                external: None,
                ca_name: pebble::CA_NAME.to_owned(),
                env: std::env::vars()
                    .filter(|(name, _)| name.starts_with("PEBBLE_"))
                    .collect(),
            };
            let spec = pebble.prepare(&program(pebble::NAME)?)?;
            let http = Http::trusting(&pebble.ca_pem())?;
            in_front(spec, async || pebble.is_ready(&http).await, pebble.write_roots(&http)).await
        }
        Part::Dns { port, edge, names } => {
            let dns = Challtestsrv {
                address: ANYWHERE,
                dns_port: port,
                management_port: 8055,
                edge,
                names,
            };
            let spec = dns.prepare(Path::new("/"), &program("pebble-challtestsrv")?);
            let client = Dns::new(&dns.management_url())?;
            in_front(spec, async || dns.takes_names(&client).await, async { Ok(()) }).await
        }
        Part::Origin {
            port,
            tls_port,
            control_port,
            ca,
        } => {
            let mut signals = Signals::new()?;
            let tls = TlsListener::bind((ANYWHERE, tls_port).into(), &ca).await?;
            let (site, control) = ((ANYWHERE, port).into(), (ANYWHERE, control_port).into());
            Origin::default().start(site, tls, control).await?;
            say(format_args!("ready"));
            signals.either().await;
            Ok(())
        }
        Part::AwsSim { keys } => {
            let keys = aws_sim::access_keys(&keys.into_iter().collect(), &std::env::temp_dir())?;
            let spec =
                Spec::new(aws_sim::NAME, &program(aws_sim::NAME)?, Path::new("/")).env("AWS_SIM_ACCESS_KEYS", keys);
            let http = Http::plain()?;
            let is_ready = async || http.get("http://localhost:8091/state").await.is_ok();
            in_front(spec, is_ready, async { Ok(()) }).await
        }
    }
}

/// Whether a URL responds with anything but a server error, for a container's health check; `ca` is the PEM file of a
/// CA to trust.
///
/// # Errors
/// When it doesn't.
pub async fn check(url: &str, ca: Option<&Path>) -> anyhow::Result<()> {
    let http = ca.map_or_else(Http::plain, Http::trusting)?;
    let (status, _) = http.get(url).await?;
    ensure!(!status.is_server_error(), "{url} answered {status}");
    Ok(())
}

/// Runs a program with this process's own output; `then` runs once it is ready.
async fn in_front(
    spec: Spec,
    ready: impl AsyncFn() -> bool,
    then: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let mut child = tokio::process::Command::new(&spec.program)
        .args(&spec.args)
        .envs(&spec.env)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}", spec.program.display()))?;
    let begun = Instant::now();
    let answers = async {
        while !ready().await {
            ensure!(begun.elapsed() < LIMIT, "{} does not answer", spec.name);
            tokio::time::sleep(POLL).await;
        }
        then.await?;
        say(format_args!("{} is ready ({:.1?})", spec.name, begun.elapsed()));
        std::future::pending::<anyhow::Result<()>>().await
    };
    tokio::select! {
        ended = child.wait() => bail!("{} has ended ({})", spec.name, ended?),
        failed = answers => failed,
        () = signals.either() => Ok(()),
    }
}

/// The signals that end a container.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn either(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Beside this program, as in an image, or where tests/setup.sh has installed it.
fn program(name: &str) -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe()?.with_file_name(name);
    if here.is_file() {
        Ok(here)
    } else {
        pebble::program(name)
    }
}
