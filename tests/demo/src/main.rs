//! The main job where a person can follow it (`make demo`), and a stack that stays up (`make up`).

mod afresh;
mod screen;
mod story;
mod timing;
mod up;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use stack::{Handle, Options};

/// Shows cdn-broker at work on real parts.
#[derive(Parser)]
enum Cli {
    /// Create an instance, follow it to HTTPS on every domain, remove it again.
    Run {
        /// How many domains the instance has.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(3..=100))]
        domains: u16,
        /// A stack that runs already, by the JSON file of its endpoints; otherwise one of its own is started.
        #[arg(long, value_name = "FILE")]
        attach: Option<PathBuf>,
    },
    /// Start everything, print how to talk to it, and wait for Ctrl-C.
    Up,
}

#[tokio::main]
async fn main() -> ExitCode {
    match play().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThe demo failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn play() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if let Cli::Run {
        domains,
        attach: Some(file),
    } = &cli
    {
        return story::run(&Handle::attach(file)?, usize::from(*domains)).await;
    }
    screen::heading("Starting PostgreSQL, RabbitMQ, Pebble, DNS, CloudFront+IAM simulator and the five services");
    let begun = std::time::Instant::now();
    let handle = tokio::select! {
        handle = Handle::start(options()) => handle?,
        _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
    };
    screen::line(&format!(
        "ready after {:.1} s, logs in {}",
        begun.elapsed().as_secs_f64(),
        handle.endpoints().folder.join("logs").display()
    ));
    let result = tokio::select! {
        result = async {
            match cli {
                Cli::Run { domains, .. } => story::run(&handle, usize::from(domains)).await,
                Cli::Up => up::print_and_wait(&handle).await,
            }
        } => result,
        _ = tokio::signal::ctrl_c() => {
            screen::line("interrupted");
            Ok(())
        }
    };
    screen::heading("Stopping everything");
    drop(handle);
    screen::line("stopped, nothing is left running");
    result
}

/// Short waits, so that it can be watched; two verifiers share one queue. Everything else as it ships.
fn options() -> Options {
    let mut options = Options {
        delegation: true,
        deploy_ms: 4_000,
        ..Options::default()
    };
    for (name, value) in [
        (
            "SCHEDULE_VERIFY_CHALLENGE",
            "first=1s,factor=1.5,max=2s,deadline=1h,limit=30s",
        ),
        (
            "SCHEDULE_AWAIT_VALIDATION",
            "first=500ms,factor=1.5,max=3s,deadline=1h,limit=2m",
        ),
        (
            "SCHEDULE_FINALIZE_ORDER",
            "first=300ms,factor=1.5,max=3s,deadline=1h,limit=2m",
        ),
        (
            "SCHEDULE_CREATE_DISTRIBUTION",
            "first=500ms,factor=1.5,max=3s,deadline=1h",
        ),
        ("SCHEDULE_AWAIT_DEPLOYMENT", "first=1s,factor=1.2,max=2s,deadline=1h"),
        ("SCHEDULE_DELETE_DISTRIBUTION", "first=1s,factor=1.5,max=3s,deadline=1h"),
        ("SCHEDULE_RETIRE_CERTIFICATES", "first=1s,factor=1.5,max=3s,deadline=1h"),
    ] {
        options = options.with_env("all", name, value);
    }
    options.with_replicas("challenge-verifier", 2)
}
