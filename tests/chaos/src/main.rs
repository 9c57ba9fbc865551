//! `chaos`: runs the test by hand.

use std::process::ExitCode;
use std::time::Duration;

use chaos::hands::Errand;
use chaos::jobs::Job;
use chaos::run::{LONGEST, planned};
use chaos::{Wish, run, schedule, setup};
use clap::Parser;
use tokio_util::sync::CancellationToken;

/// Runs operations on a real cdn-broker while everything around and in it is killed, frozen, cut off and wiped; then
/// checks that every operation has ended, once, and that nothing is left over. Exit code 1 when a promise is broken: then
/// the logs are kept and the report says which instances it is about. Ctrl-C ends it with the report so far.
#[derive(Parser)]
#[command(name = "chaos", version)]
struct Cli {
    /// What the faults and the operations follow from; the same seed asks for the same again.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long faults come, in minutes such as 1.5; operations go on as long [default: until all operations have ended].
    #[arg(long, value_parser = minutes)]
    minutes: Option<Duration>,
    /// The least number of operations: provision, deprovision, cancel (a deprovision while the provision runs).
    #[arg(long, default_value_t = 300)]
    operations: usize,
    /// Instances at work at the same time.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=200))]
    at_once: u16,
    /// Only print what would go wrong when, and what would be asked for.
    #[arg(long)]
    plan: bool,
}

fn minutes(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(minutes) if minutes > 0.0 && minutes <= 600.0 => Ok(Duration::from_secs_f64(minutes * 60.0)),
        _ => Err("a number of minutes above 0, at most 600".to_owned()),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let wish = Wish {
        seed: cli.seed,
        length: cli.minutes,
        operations: cli.operations,
        at_once: usize::from(cli.at_once),
    };
    if cli.plan {
        print_plan(&wish);
        return ExitCode::SUCCESS;
    }
    let interrupted = CancellationToken::new();
    let on_signal = interrupted.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            on_signal.cancel();
        }
    });
    match run(&wish, interrupted, |line| println!("{line}")).await {
        Ok(outcome) => {
            print!("{}", outcome.text);
            if let Some(logs) = &outcome.logs {
                println!("logs and report: {}", logs.display());
            }
            if outcome.broken == 0 {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("chaos: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print_plan(wish: &Wish) {
    let length = wish.length.unwrap_or(LONGEST);
    for planned in schedule::schedule(wish.seed, length, &setup::targets()) {
        println!(
            "{:8.1} s for {:4.1} s  {}",
            planned.at.as_secs_f64(),
            planned.lasts.as_secs_f64(),
            planned.fault
        );
    }
    for errand in planned(wish) {
        match errand {
            Errand::Job(job) => print_job(&job),
            Errand::HandOver(hand_over) => {
                println!("{}, {}:", hand_over.domain, hand_over.turn.as_str());
                print_job(&hand_over.first);
                print_job(&hand_over.second.changed());
            }
        }
    }
}

fn print_job(job: &Job) {
    let domains: Vec<String> = job
        .domains
        .iter()
        .map(|(name, way)| format!("{name} {way:?}"))
        .collect();
    println!(
        "{} of {} {:?}: {}",
        job.id,
        job.organization,
        job.course,
        domains.join(", ")
    );
}
