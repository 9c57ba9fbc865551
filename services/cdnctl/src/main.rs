//! cdnctl, the operator's tool.

use std::process::ExitCode;

use cdnctl::ended::Ended;
use cdnctl::probe;
use clap::Parser;

/// cdnctl: looks at service instances for their operator. It reads the services' database (DATABASE_URL, as they have it)
/// and writes nothing. Exit code 0: all is well; 1: something is not; 2: it couldn't look.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Probe(probe::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Probe(args) => probe::run(&args).await,
    };
    ended
        .unwrap_or_else(|error| {
            eprintln!("cdnctl: {}", telemetry::with_causes(&error));
            Ended::CouldNotLook
        })
        .into()
}
