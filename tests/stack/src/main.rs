//! `stack up`: a whole cdn-broker with everything around it, until it is stopped.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use stack::{Options, Part};
use tokio::task::LocalSet;

/// Starts real PostgreSQL, RabbitMQ, Pebble and challtestsrv, aws-sim and the services, on private ports.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Starts everything, prints where it is as one JSON line, obeys JSON lines from standard input.
    Up {
        /// All options as JSON (see the README); the flags below change them.
        #[arg(long, value_name = "JSON")]
        options: Option<String>,
        /// Stop when standard input ends: when its parent is gone.
        #[arg(long)]
        until_eof: bool,
        /// Waits of seconds instead of minutes in the services.
        #[arg(long, conflicts_with = "options")]
        fast: bool,
        /// Without the services.
        #[arg(long)]
        no_services: bool,
        /// Without aws-sim.
        #[arg(long)]
        no_aws: bool,
        /// Where to put everything; must be empty or absent.
        #[arg(long)]
        folder: Option<PathBuf>,
        /// Leave the folder there at the end.
        #[arg(long)]
        keep: bool,
    },
    /// One part alone in the foreground, as a container runs it.
    Part {
        #[command(subcommand)]
        part: Part,
    },
    /// A RabbitMQ that many stacks use, until standard input ends. Prints what STACK_SHARED_RABBITMQ has to be for them.
    Rabbitmq,
    /// Asks a URL, and fails unless it is answered, with anything but a server error: a container's health check.
    Check {
        /// http:// or https://
        url: String,
        /// PEM file of the CA to trust.
        #[arg(long)]
        ca: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    match obey() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write as _;
            writeln!(std::io::stderr(), "stack: {error:#}").ok();
            ExitCode::FAILURE
        }
    }
}

fn obey() -> anyhow::Result<()> {
    // One thread only: the kernel ends the children when the thread that spawned them ends.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (options, until_eof) = match Arguments::parse().action {
        Action::Part { part } => return runtime.block_on(stack::run_part(part)),
        Action::Rabbitmq => return LocalSet::new().block_on(&runtime, stack::run_rabbitmq()),
        Action::Check { url, ca } => return runtime.block_on(stack::check(&url, ca.as_deref())),
        Action::Up {
            options,
            until_eof,
            fast,
            no_services,
            no_aws,
            folder,
            keep,
        } => {
            let mut options = match options {
                Some(json) => serde_json::from_str(&json).context("--options")?,
                None if fast => Options::fast(),
                None => Options::default(),
            };
            options.services &= !no_services;
            options.aws &= !no_aws;
            options.keep |= keep;
            options.folder = folder.or(options.folder);
            (options, until_eof)
        }
    };
    LocalSet::new().block_on(&runtime, stack::run(options, until_eof))
}
