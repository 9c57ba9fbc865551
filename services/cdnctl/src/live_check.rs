//! `cdnctl live-check`: tests the assumptions about AWS with a real account.
//!
//! Each step is a file of its own. Every resource is recorded in [`state`] before the call that creates it, so that
//! [`clean_up`] finds it whatever happens; observations are recorded with the beliefs that they concern ([`beliefs`]).

mod alias;
mod beliefs;
mod certificate;
mod changes;
mod check;
mod clean_up;
mod deployment;
mod distribution;
mod ended;
mod folder;
mod function;
mod order;
mod question;
mod record;
mod removal;
mod report;
mod state;
mod stop;

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::CommandError;
use crate::confirm::confirm;
use crate::exit::Exit;
use crate::{out, shown};
use check::Check;
use ended::Ended;
use folder::Folder;
use state::{KeyKind, State};

/// Tries with a real AWS account what the broker believes of CloudFront and IAM, and removes what it made.
///
/// A function, two certificates of an ACME CA (RSA 2048, P-256) and a distribution are made, changed, timed and removed, by the
/// environment's credentials: for an answer about the shipped policies, a user that has docs/aws/distribution-policy.json and
/// docs/aws/cert-installer-policy.json and nothing else. No database and no queue is needed. Lists what it will make and asks first. Takes
/// about an hour, most of it CloudFront's deployments. DIR holds answers.jsonl (each answer of AWS, without request ids, account
/// numbers and keys) and state.json. Ctrl-C ends it and cleans up. Exit code 1 when it did not come to its end or something is left.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Live check", after_help = aws::AFTER_HELP)]
pub struct Args {
    /// A domain that is on no distribution, has no visitors, and whose DNS you can change.
    #[arg(long, required_unless_present = "resume")]
    pub domain: Option<String>,
    /// The CA. CloudFront takes certificates of CAs that browsers trust; with another one (Let's Encrypt's staging) only the rest is tried.
    #[arg(long, value_name = "URL", required_unless_present = "resume")]
    pub acme_directory_url: Option<String>,
    /// Where answers and state are written; made if it isn't there.
    #[arg(long, value_name = "DIR")]
    pub folder: PathBuf,
    /// Continue where a run of this folder was killed; or only clean up, if that run had ended.
    #[arg(long, conflicts_with_all = ["domain", "acme_directory_url"])]
    pub resume: bool,
    /// Don't ask.
    #[arg(long)]
    pub yes: bool,
    /// Print the result as JSON. The progress goes to standard error.
    #[arg(long)]
    pub json: bool,
    /// ARN of a web ACL: the distribution is updated with it.
    #[arg(long, value_name = "ARN")]
    pub web_acl: Option<String>,
    /// Leave the function out: of an account that has no room for one more.
    #[arg(long)]
    pub no_function: bool,
    /// The distribution's origin. Nothing is fetched from it.
    #[arg(long, default_value = "origin.example.com", value_name = "HOST")]
    pub origin: String,
    /// PEM file of the CA to trust for the ACME directory, instead of the system's: of a test CA.
    #[arg(long, value_name = "PEM")]
    pub ca_roots: Option<PathBuf>,
    /// The DNS server to ask for the record; else those of /etc/resolv.conf.
    #[arg(long, value_name = "IP:PORT")]
    pub resolver: Option<SocketAddr>,
    /// The interval between two checks.
    #[arg(long, default_value = "15s")]
    pub every: humantime::Duration,
    /// How long to wait for one thing: the DNS record, a deployment, a free alias.
    #[arg(long, default_value = "2h")]
    pub patience: humantime::Duration,
}

/// Runs the check.
///
/// # Errors
/// When nothing could be started.
pub async fn run(args: &Args) -> Result<Exit, CommandError> {
    let folder = Folder::open(&args.folder)?;
    let state = begun(args, &folder)?;
    eprintln!("{}", question::list(args, &state).join("\n"));
    let what = if state.ended.is_some() {
        "Cleans up"
    } else {
        "Makes and removes this"
    };
    confirm(what, args.yes)?;
    let only_cleans = state.ended.is_some();
    let mut check = Check::new(args.clone(), folder, state).await?;
    if !only_cleans && let Err(ended) = steps(&mut check).await {
        let why = telemetry::with_causes(&ended);
        eprintln!("ended: {}", shown::clean(&why));
        check.state.ended = Some(why);
    }
    let left = clean_up::all(&mut check).await;
    check.save()?;
    let report = report::Report::new(&check.state, left);
    out::either(args.json, &report, || report.lines())?;
    Ok(match report.is_clean() && (only_cleans || report.is_whole()) {
        true => Exit::AllWell,
        false => Exit::NotWell,
    })
}

/// The state to continue with: a new one, or the folder's.
fn begun(args: &Args, folder: &Folder) -> Result<State, CommandError> {
    let refused = |why: String| Err(CommandError::Refused(format!("{}: {why}", folder.path().display())));
    let found = folder.state()?;
    match (found, &args.domain, &args.acme_directory_url) {
        (Some(found), _, _) if args.resume && !found.clean => Ok(found),
        (Some(_), _, _) if args.resume => refused("that check is complete and has left nothing".to_owned()),
        (None, _, _) if args.resume => refused("there is no state.json to resume from".to_owned()),
        (Some(_), _, _) => {
            refused("an unfinished check is there: --resume continues it; else name another folder".to_owned())
        }
        (None, Some(domain), Some(url)) => {
            let domain = domain.trim_end_matches('.').to_ascii_lowercase();
            let label = |label: &str| {
                (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            };
            if domain.split('.').count() < 2 || !domain.split('.').all(label) {
                return refused(format!("{} is no domain; a wildcard won't do", shown::plain(&domain)));
            }
            Ok(State::new(domain, url.clone()))
        }
        (None, _, _) => refused("--domain and --acme-directory-url are needed".to_owned()),
    }
}

/// Runs all steps in order. Steps that a previous run has completed are skipped.
async fn steps(check: &mut Check) -> Result<(), Ended> {
    check.step("who is asked", distribution::list).await?;
    check.step("function", function::create_and_delete).await?;
    check
        .step("certificate RSA 2048", async |check: &mut Check| {
            certificate::order_and_upload(check, KeyKind::Rsa2048).await
        })
        .await?;
    check.step("distribution", distribution::create).await?;
    check.step("deployment", deployment::first).await?;
    check
        .step("certificate P-256", async |check: &mut Check| {
            certificate::order_and_upload(check, KeyKind::P256).await
        })
        .await?;
    check.step("two certificate changes", changes::two_certificates).await?;
    check.step("web ACL", changes::web_acl).await?;
    check.step("removal of the distribution", removal::distribution).await?;
    check.step("the alias afterwards", alias::is_free).await?;
    check.step("removal of the certificates", removal::certificates).await?;
    Ok(())
}
