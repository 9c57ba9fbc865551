//! `load`: runs the measurements by hand.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use load::{crowd, fairness};

/// How much load a real cdn-broker on this machine takes, and how fair it is. Exit code 1 when a promise is broken.
#[derive(Parser)]
#[command(name = "load", version)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Many instances at once: provisioned, served by HTTPS, removed.
    Crowd {
        /// Instances, all at once.
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..=5000))]
        instances: u16,
        /// Domains of each.
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
        domains: u16,
    },
    /// A single domain, alone and beside a customer with many domains that never answer.
    Fairness {
        /// Domains that never answer.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=100))]
        slow: u16,
        /// How often the single domain is measured, alone and beside the others.
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=100))]
        singles: u16,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let say: fn(&str) = |line| println!("{line}");
    let run = async {
        match Cli::parse().what {
            What::Crowd { instances, domains } => {
                let within = Duration::from_secs(3600);
                crowd::run(
                    crowd::Wish {
                        instances,
                        domains,
                        within,
                    },
                    say,
                )
                .await
            }
            What::Fairness { slow, singles } => fairness::run(fairness::Wish { slow, singles }, say).await,
        }
    };
    stack::by_hand("load", run).await
}
