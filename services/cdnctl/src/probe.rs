//! `cdnctl probe`: probes each domain of an instance as an outside viewer would.
//!
//! The probes are in `names` (DNS), `handshake` (TLS) and `fetch` (HTTP); pure functions over [`facts`] and the
//! database's expectations ([`expected`]) judge the results.

mod cache;
mod echo;
pub mod expected;
pub mod facts;
mod fetch;
mod forwarding;
mod handshake;
pub(crate) mod names;
mod report;
mod row;
mod served;
pub mod verdict;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use store::{DatabaseArgs, Store};
use time::OffsetDateTime;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::exit::Exit;
use crate::{out, shown};
use echo::Echo;
use expected::Expected;
use facts::{Facts, Http, Persist, Tls};
use fetch::Fetched;
use forwarding::Echoed;
use handshake::{Met, Trust};
use names::{End, Names, Trail};
use report::{Domain, Report};

/// The number of domains that are probed concurrently.
const AT_ONCE: usize = 8;
/// HTTPS.
const PORT: u16 = 443;

/// Probes each domain of an instance from outside.
///
/// DNS, TLS, certificate, whether the edge keeps what it serves, and which headers reach the app. Prints a table, and a
/// sentence for each domain that says what to do next.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Looking")]
pub struct Args {
    /// The instance's id (`cf service NAME --guid`).
    pub id: String,
    /// Print JSON: the same facts, and more of them.
    #[arg(long)]
    pub json: bool,
    /// The path to get at each domain.
    #[arg(long, default_value = "/", value_parser = path)]
    pub path: String,
    /// A path where the app answers with the headers of the request (a JSON object such as httpbin's /headers, or lines
    /// of `Name: value`): only so can be seen which headers reach it.
    #[arg(long, value_name = "PATH", value_parser = path)]
    pub echo: Option<String>,
    /// Replaces the * of a wildcard: `LABEL.example.com` is probed for `*.example.com`.
    #[arg(long, default_value = "www", value_parser = label)]
    pub label: String,
    /// The DNS server to ask; else those of /etc/resolv.conf.
    #[arg(long, value_name = "IP:PORT")]
    pub resolver: Option<SocketAddr>,
    /// Connect to this address whatever DNS says: an edge, before the CNAME is set.
    #[arg(long, value_name = "IP:PORT")]
    pub connect: Option<SocketAddr>,
    /// PEM file of the CAs to trust instead of the system's: of a test CA.
    #[arg(long, value_name = "PEM")]
    pub ca_roots: Option<PathBuf>,
    /// How long one domain may take.
    #[arg(long, default_value = "10s")]
    pub timeout: humantime::Duration,
    /// The services' database.
    #[command(flatten)]
    pub database: DatabaseArgs,
}

fn path(text: &str) -> Result<String, String> {
    match text.parse::<http::Uri>() {
        Ok(uri) if text.starts_with('/') && uri.authority().is_none() => Ok(text.to_owned()),
        _ => Err("a path begins with a slash, and what is not ASCII in it is percent-encoded".to_owned()),
    }
}

fn label(text: &str) -> Result<String, String> {
    let ldh = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    match (1..=63).contains(&text.len()) && text.bytes().all(ldh) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("a label has 1 to 63 letters, digits and hyphens".to_owned()),
    }
}

/// Why nothing could be probed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The database doesn't know the id.
    #[error(
        "there is no instance {0:?} in this database. Is it the id, as `cf service NAME --guid` prints it, and not \
         the name? Is DATABASE_URL that of the broker which has it? An instance whose provision was refused was never stored"
    )]
    Unknown(String),
    /// The instance was removed.
    #[error("instance {id} was removed at {at}: there is nothing to check")]
    Removed {
        /// The instance's id.
        id: String,
        /// The time, as RFC 3339.
        at: String,
    },
    /// The instance has no distribution.
    #[error(
        "instance {0} has no distribution yet: `cf service NAME` shows how far it is; if that doesn't change, check \
         the service distribution (docs/operations.md)"
    )]
    NoDistribution(String),
    /// The database did not respond.
    #[error("the database can't be queried (`broker-api doctor` says more)")]
    Database(#[from] store::StoreError),
    /// There is no CA to trust.
    #[error("no certificate can be verified")]
    Trust(#[from] tls::TrustError),
    /// DNS can't be queried.
    #[error("DNS can't be queried: name a server with --resolver")]
    Resolver(#[from] hickory_resolver::net::NetError),
    /// The report can't be written.
    #[error("the report can't be written")]
    Report(#[from] serde_json::Error),
}

/// Probes, and prints the results.
///
/// # Errors
/// When nothing could be probed.
pub async fn run(args: &Args) -> Result<Exit, CommandError> {
    let serving = Store::new(&args.database, "cdnctl")?.serving(&args.id).await?;
    let serving = serving.ok_or_else(|| CommandError::Unknown(args.id.clone()))?;
    if let Some(at) = serving.deleted_at {
        let id = args.id.clone();
        let at = shown::moment(at);
        return Err(CommandError::Removed { id, at });
    }
    let expected = Expected::of(&serving, args.connect.is_some());
    let expected = expected.ok_or_else(|| CommandError::NoDistribution(args.id.clone()))?;
    let looker = Looker {
        args,
        names: Names::new(args.resolver)?,
        trust: Trust::new(&tls::Roots::from_file(args.ca_roots.as_deref()))?,
        expected: &expected,
    };
    let domains = stream::iter(&serving.domains)
        .map(|domain| async {
            let facts = looker.look(domain).await;
            let verdict = verdict::judge(&facts, &expected);
            Domain { facts, verdict }
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let report = Report::new(&args.id, &expected.distribution, domains);
    out::either(args.json, &report, || vec![report.text()])?;
    Ok(if report.ok { Exit::AllWell } else { Exit::NotWell })
}

/// Probes domains.
struct Looker<'a> {
    args: &'a Args,
    names: Names,
    trust: Trust,
    expected: &'a Expected,
}

impl Looker<'_> {
    /// Probes one domain. A probe that takes too long is reported as such; earlier results are kept.
    async fn look(&self, domain: &str) -> Facts {
        let deadline = Instant::now() + Duration::from(self.args.timeout);
        let late = || format!("not within {}", self.args.timeout);
        let mut facts = Facts::unknown(domain, &self.args.label);
        let name = facts.name.clone();
        let (path, its, persist) = tokio::join!(
            timeout_at(deadline, self.names.follow(&name)),
            timeout_at(deadline, self.names.follow(&self.expected.distribution)),
            timeout_at(deadline, self.persist(domain)),
        );
        let path = path.unwrap_or_else(|_| Trail {
            chain: Vec::new(),
            end: End::Failed(late()),
        });
        let its = its.as_ref().map_or(&[][..], Trail::addresses);
        facts.dns = names::judge(&path, &self.expected.distribution, its);
        facts.persist = persist.unwrap_or(Persist::Unknown);

        let addresses: Vec<SocketAddr> = match self.args.connect {
            Some(address) => vec![address],
            None => path.addresses().iter().map(|address| (*address, PORT).into()).collect(),
        };
        let met = timeout_at(deadline, handshake::meet(&self.trust, &name, &addresses)).await;
        let met = met.unwrap_or_else(|_| Met::nobody(Tls::NoConnection { why: late() }));
        let attached = self.expected.attached.as_deref();
        facts.certificate = met
            .leaf
            .and_then(|leaf| served::read(&leaf, &name, attached, OffsetDateTime::now_utc()));
        facts.tls = met.tls;
        let (Tls::Verified { .. }, Some(address)) = (&facts.tls, met.address) else {
            return facts;
        };

        let get = async |path: &str| {
            let got = timeout_at(deadline, fetch::get(&self.trust, &name, address, path)).await;
            got.unwrap_or_else(|_| Err(late()))
        };
        let answer = match get(&self.args.path).await {
            Ok(fetched) => fetched.answer,
            Err(why) => {
                facts.http = Http::Failed { why };
                return facts;
            }
        };
        let second = get(&self.args.path).await.ok().map(|fetched| fetched.answer);
        facts.cache = cache::judge(&answer, second.as_ref(), self.expected.keeps_nothing);
        facts.http = Http::Answered(answer);
        let echoed = match &self.args.echo {
            None => Echoed::NotAsked,
            Some(path) => echoed(get(&fresh(path)).await),
        };
        facts.host = forwarding::host(&echoed, &name, self.expected);
        facts.x_forwarded_for = forwarding::x_forwarded_for(&echoed);
        facts
    }

    async fn persist(&self, domain: &str) -> Persist {
        match self
            .expected
            .challenges
            .get(domain)
            .and_then(|known| known.iter().next())
        {
            Some(challenge) => self.names.persist(domain, challenge).await,
            None => Persist::Unused,
        }
    }
}

/// The path with a unique query: a cached response would show the headers of somebody else's request.
fn fresh(path: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}cdnctl={}", Uuid::new_v4().simple())
}

fn echoed(got: Result<Fetched, String>) -> Echoed {
    match got {
        Ok(fetched) => match Echo::read(&fetched.body) {
            Some(echo) => Echoed::Echo(echo),
            None => Echoed::Nothing(format!("HTTP {}, without request headers in it", fetched.answer.status)),
        },
        Err(why) => Echoed::Nothing(why),
    }
}
