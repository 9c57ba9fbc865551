//! `bench`: how far this broker is from its floor (`make bench`).
//!
//! - [`run`]: which rows, on which stacks, and where the results are written.
//! - [`rows`]: what is measured, a file for each; [`row`] and [`comparison`] are what they have in common.
//! - [`floor`]: the least that would do the same.
//! - [`site`], [`stored`], [`far_dns`]: a stack, its tenants, instances at rest, and a DNS server that is far away.
//! - [`load`], [`polls`], [`counters`], [`metrics`], [`processes`], [`turns`]: the instruments.
//! - [`spread`], [`table`], [`page`], [`plot`], [`machine`]: the results.

mod comparison;
mod counters;
mod far_dns;
mod floor;
mod form;
mod in_progress;
mod load;
mod machine;
mod metrics;
mod page;
mod plot;
mod polls;
mod processes;
mod row;
mod rows;
mod run;
mod site;
mod spread;
mod stored;
mod table;
mod turns;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use form::Form;

/// How far this broker is from its floor. Exit code 1 when a row could not be measured; a goal that was missed is told,
/// and is no failure.
#[derive(Parser)]
#[command(name = "bench", version)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Measures rows beside their floors.
    Rows {
        /// Only these rows; all of them if none is named.
        rows: Vec<String>,
        /// Fewer rounds, each of them shorter: under five minutes.
        #[arg(long)]
        short: bool,
        /// The folder with the page performance.md, into which the tables are written, and the plots.
        #[arg(long, default_value = "docs")]
        into: PathBuf,
    },
    /// The floor of an idle service: a server that says hello, until standard input ends.
    Hello,
    /// The floor of last_operation: a server that answers from one row of the database at DATABASE_URL, until standard
    /// input ends.
    Answers,
}

#[tokio::main]
async fn main() -> ExitCode {
    let served = match Cli::parse().what {
        What::Rows { rows, short, into } => {
            return stack::by_hand("bench", run::run(&rows, &Form { short }, &into)).await;
        }
        What::Hello => floor::hello::serve().await,
        What::Answers => floor::answers::serve().await,
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
