//! Probes whether the CA can verify a domain now, by DNS and HTTP; holds no secret. Any number of processes can run:
//! all share one queue, and one delivery is one domain.

mod doctor;
mod handler;
mod outside;
mod standing;
mod together;

use std::process::ExitCode;

use anyhow::Context as _;
use challenge_verifier::{ProbeSettings, Prober};
use clap::Parser;
use pipeline::Schedules;
use store::Store;
use telemetry::Telemetry;
use worker::{Steps, WorkerArgs};

/// challenge-verifier: probes whether the CA can verify a domain now, by dns-persist-01, dns-01 or http-01. Every flag
/// can be set by the environment variable named beside it.
#[derive(Parser)]
#[command(version, next_help_heading = "Probing")]
struct Cli {
    /// What to do instead of serving.
    #[command(subcommand)]
    command: Option<Command>,
    /// How long a record must have been in place before the challenge is answered, such as 30s. Zero: at once, since all
    /// of the zone's servers are queried. For anycast servers whose sites lag, or if the CA's errors name vantage points
    /// that don't see the record yet. How long a user may take is the deadline of SCHEDULE_VERIFY_CHALLENGE, the delay
    /// between probes its other parts.
    #[arg(long, env, default_value = "0s")]
    prop_delay: humantime::Duration,
    /// How long a service instance keeps a domain whose proof is gone (no record of its organization, and the name
    /// doesn't lead to its distribution), once another instance has proved it. The status of both says so.
    #[arg(long, env, default_value = "24h")]
    claim_grace: humantime::Duration,
    /// How often the records that were set once are looked at while no certificate is renewed; one that is gone is reported in
    /// `cf service --params`, `cdnctl domains` and the metrics. 0s: never.
    #[arg(long, env, default_value = "12h")]
    standing_proof_interval: humantime::Duration,
    #[command(flatten)]
    probe: ProbeSettings,
    #[command(flatten)]
    outside: outside::OutsideArgs,
    #[command(flatten)]
    worker: WorkerArgs,
    #[command(flatten)]
    schedules: Schedules,
}

/// What to do instead of serving.
#[derive(clap::Subcommand)]
enum Command {
    /// Tries everything that this service needs from outside, by calls that change nothing, and exits: a line for each
    /// (ok, warn, FAIL or skip), with what to do. Exit code 1 when something failed. Needs the service's environment.
    Doctor {
        /// The domain whose name servers are asked, and whose web server is connected to.
        #[arg(long, default_value = doctor::NAME)]
        name: String,
    },
    /// Requests this service's own /readyz on this machine, and exits: a container's health check. Exit code 1 when it is
    /// not ready.
    Ready,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let (cli, shared) = worker::settings::<Cli>("challenge-verifier");
    match &cli.command {
        Some(Command::Doctor { name }) => {
            return Ok(::doctor::print(doctor::checks(&cli.worker, &shared, &cli.probe, name)).await);
        }
        Some(Command::Ready) => return Ok(::doctor::ready(cli.worker.health_listen)),
        None => {}
    }
    let telemetry = Telemetry::init(&cli.worker.telemetry, "challenge-verifier")?;
    let store = Store::new(&cli.worker.database, "challenge-verifier")?;
    let handler = handler::Verifier {
        store: store.clone(),
        prober: Prober::new(&cli.probe).context("the prober can't be set up")?,
        together: together::Together::default(),
        prop_delay: cli.prop_delay.into(),
        claim_grace: cli.claim_grace.into(),
        standing_proof_interval: cli.standing_proof_interval.into(),
    };
    let checks = doctor::checks(&cli.worker, &shared, &cli.probe, doctor::NAME);
    let steps = Steps::new(handler, &cli.worker, cli.schedules);
    let from_outside = tokio::spawn(outside::Checks::new(store.clone(), &cli.probe, &cli.outside).serve());
    let ended = worker::run(steps, store, cli.worker, shared, &telemetry, checks).await;
    // One that is being done is taken again by another process.
    from_outside.abort();
    ended?;
    Ok(ExitCode::SUCCESS)
}
