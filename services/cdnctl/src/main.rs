//! cdnctl, the operator's tool.

use std::process::ExitCode;

use cdnctl::ended::Ended;
use cdnctl::{log_level, probe};
use clap::Parser;

/// cdnctl, the operator's tool. It needs the services' database (DATABASE_URL, as they have it) and nothing else of them.
/// Exit code 0: all is well; 1: something is not; 2: it couldn't look.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Probe(probe::Args),
    LogLevel(log_level::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Probe(args) => ended(probe::run(&args).await),
        Command::LogLevel(args) => ended(log_level::run(&args).await),
    };
    ended.into()
}

fn ended(ended: Result<Ended, impl std::error::Error>) -> Ended {
    ended.unwrap_or_else(|error| {
        eprintln!("cdnctl: {}", telemetry::with_causes(&error));
        Ended::CouldNotLook
    })
}
