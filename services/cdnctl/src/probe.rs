//! `cdnctl probe`: probes each domain of an instance as an outside viewer would.
//!
//! What is looked at, and what is wrong, is in the crate `probe`, which challenge-verifier uses, too; here are the operator's words for it.

mod report;
mod row;
pub mod verdict;

use std::net::SocketAddr;
use std::path::PathBuf;

use ::probe::{Connects, Expected, Names, Outside, Request, Trust};
use futures_util::StreamExt as _;
use futures_util::stream;
use pipeline::outside::is_path;
use store::{DatabaseArgs, Store};

use crate::exit::Exit;
use crate::{out, shown};
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
    match is_path(text) {
        true => Ok(text.to_owned()),
        false => Err("a path begins with a slash, and what is not ASCII in it is percent-encoded".to_owned()),
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
    let request = Request {
        path: args.path.clone(),
        echo: args.echo.clone(),
        label: args.label.clone(),
        connects: args.connect.map_or(Connects::Anywhere(PORT), Connects::To),
        within: args.timeout.into(),
        agent: concat!("cdn-broker-cdnctl/", env!("CARGO_PKG_VERSION")),
    };
    let outside = Outside {
        names: Names::new(args.resolver)?,
        trust: Trust::new(&tls::Roots::from_file(args.ca_roots.as_deref()))?,
        request: &request,
        expected: &expected,
    };
    let domains = stream::iter(&serving.domains)
        .map(|domain| async {
            let facts = outside.look(domain).await;
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
