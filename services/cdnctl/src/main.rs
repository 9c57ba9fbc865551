//! cdnctl, the operator's tool.

use std::process::ExitCode;

use cdnctl::exit::Exit;
use cdnctl::{certificates, instances, log_level, parked, probe, queues, show};
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
    Show(show::Args),
    Instances(instances::Args),
    Certificates(certificates::Args),
    Queues(queues::Args),
    Parked(parked::Args),
    Probe(probe::Args),
    LogLevel(log_level::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Show(args) => ended(show::run(&args).await),
        Command::Instances(args) => ended(instances::run(&args).await),
        Command::Certificates(args) => ended(certificates::run(&args).await),
        Command::Queues(args) => ended(queues::run(&args).await),
        Command::Parked(args) => ended(parked::run(&args).await),
        Command::Probe(args) => ended(probe::run(&args).await),
        Command::LogLevel(args) => ended(log_level::run(&args).await),
    };
    ended.into()
}

fn ended(ended: Result<Exit, impl std::error::Error>) -> Exit {
    ended.unwrap_or_else(|error| {
        eprintln!("cdnctl: {}", telemetry::with_causes(&error));
        Exit::CouldNotLook
    })
}
