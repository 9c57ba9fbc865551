//! cdnctl, the operator's tool.

use std::process::ExitCode;

use cdnctl::actor::ActorArgs;
use cdnctl::exit::Exit;
use cdnctl::{
    accounts, adopt, audit, cancel, certificates, doctor, domains, drift, instances, link, live_check, log_level,
    notices, orphans, parked, probe, queues, release, renew, retry, rollover, show,
};
use clap::Parser;

/// cdnctl, the operator's tool. It needs the services' database (DATABASE_URL, as they have it); what looks into RabbitMQ needs
/// AMQP_URL; `live-check` needs neither. Exit code 0: all is well, or done; 1: something is not; 2: it couldn't look, or was asked
/// for what makes no sense.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    actor: ActorArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Show(show::Args),
    Instances(instances::Args),
    Certificates(certificates::Args),
    Domains(domains::Args),
    Release(release::Args),
    Accounts(accounts::Args),
    Queues(queues::Args),
    Parked(parked::Args),
    Retry(retry::Args),
    Renew(renew::Args),
    Rollover(rollover::Args),
    Cancel(cancel::Args),
    Link(link::Args),
    Audit(audit::Args),
    Notices(notices::Args),
    Orphans(orphans::Args),
    Adopt(adopt::Args),
    Doctor(doctor::Args),
    Drift(drift::Args),
    Probe(probe::Args),
    LogLevel(log_level::Args),
    LiveCheck(live_check::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { actor, command } = Cli::parse();
    let actor = actor.actor();
    let exit = match command {
        Command::Show(args) => told(show::run(&args).await),
        Command::Instances(args) => told(instances::run(&args).await),
        Command::Certificates(args) => told(certificates::run(&args).await),
        Command::Domains(args) => told(domains::run(&args).await),
        Command::Release(args) => told(release::run(&args, actor).await),
        Command::Accounts(args) => told(accounts::run(&args).await),
        Command::Queues(args) => told(queues::run(&args).await),
        Command::Parked(args) => told(parked::run(&args, actor).await),
        Command::Retry(args) => told(retry::run(&args, actor).await),
        Command::Renew(args) => told(renew::run(&args, actor).await),
        Command::Rollover(args) => told(rollover::run(&args, actor).await),
        Command::Cancel(args) => told(cancel::run(&args, actor).await),
        Command::Link(args) => told(link::run(&args, actor).await),
        Command::Audit(args) => told(audit::run(&args).await),
        Command::Notices(args) => told(notices::run(&args, actor).await),
        Command::Orphans(args) => told(orphans::run(&args).await),
        Command::Adopt(args) => told(adopt::run(&args, actor).await),
        Command::Doctor(args) => told(doctor::run(&args).await),
        Command::Drift(args) => told(drift::run(&args).await),
        Command::Probe(args) => told(probe::run(&args).await),
        Command::LogLevel(args) => told(log_level::run(&args, actor).await),
        Command::LiveCheck(args) => told(live_check::run(&args).await),
    };
    exit.into()
}

fn told(result: Result<Exit, impl std::error::Error>) -> Exit {
    result.unwrap_or_else(|error| {
        eprintln!("cdnctl: {}", telemetry::with_causes(&error));
        Exit::CouldNotLook
    })
}
