//! Looks whether the CA can verify a domain now, by DNS and HTTP; holds no secret. Run as many as you like: all share
//! one queue, and one delivery is one domain.

mod handler;

use anyhow::Context as _;
use challenge_verifier::{ProbeSettings, Prober};
use clap::Parser;
use store::Store;
use telemetry::Telemetry;
use worker::WorkerArgs;

/// challenge-verifier: looks whether the CA can verify a domain now, by dns-persist-01, dns-01 or http-01. Every flag
/// can be set by the environment variable named beside it.
#[derive(Parser)]
#[command(version, next_help_heading = "Probing")]
struct Cli {
    /// How long a record must have been in place before the CA is told, such as 30s: other vantage points of the CA may
    /// ask servers that have it later. Zero: at once. How long a user may take is the deadline of
    /// SCHEDULE_VERIFY_CHALLENGE, the sleep between looks its other parts.
    #[arg(long, env, default_value = "0s")]
    prop_delay: humantime::Duration,
    #[command(flatten)]
    probe: ProbeSettings,
    #[command(flatten)]
    worker: WorkerArgs,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let telemetry = Telemetry::init(&cli.worker.telemetry, "challenge-verifier")?;
    let store = Store::new(&cli.worker.database, "challenge-verifier")?;
    let handler = handler::Verifier {
        store: store.clone(),
        prober: Prober::new(&cli.probe).context("the prober can't be set up")?,
        prop_delay: cli.prop_delay.into(),
    };
    worker::run(handler, store, cli.worker, &telemetry).await?;
    Ok(())
}
