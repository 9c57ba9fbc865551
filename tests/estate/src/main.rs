//! `estate`: runs the year by hand.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use estate::course::{self, Wish};

/// A simulated year of renewals on a real cdn-broker: instances of 1 to 20 domains whose certificates live for minutes, a visitor
/// who opens their domains all the time, workers that are killed, and a CA that is away for a third of a life. Exit code 1 when
/// a certificate ended, a visit failed, an order was wasted, a renewal of a third that has only a CNAME was proved otherwise,
/// IAM's quota was reached, or tables grow for ever.
#[derive(Parser)]
#[command(name = "estate", version)]
struct Cli {
    /// Instances.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=1000))]
    instances: u16,
    /// How long a certificate lives here …
    #[arg(long, default_value = "8m")]
    life: humantime::Duration,
    /// … and how long the certificate lives that it simulates.
    #[arg(long, default_value = "64d")]
    stands_for: humantime::Duration,
    /// How long it runs, in the simulated time.
    #[arg(long, default_value = "365d")]
    time: humantime::Duration,
    /// How long the history is kept, in the simulated time.
    #[arg(long, default_value = "90d")]
    retention: humantime::Duration,
    /// Where the plot of the remaining lives is written.
    #[arg(long, default_value = "target/estate.svg")]
    plot: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let wish = Wish {
        instances: cli.instances,
        life: cli.life.into(),
        scale: Duration::from(cli.stands_for).div_duration_f64(cli.life.into()),
        time: cli.time.into(),
        retention: cli.retention.into(),
        plot: Some(cli.plot),
    };
    stack::by_hand("estate", course::run(wish, |line| println!("{line}"))).await
}
