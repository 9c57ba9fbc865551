//! `conformance`: the same by hand.

use std::process::ExitCode;

/// A user of Cloud Foundry lives with an instance, schemathesis tries everything that is served, and last_operation is asked
/// for 50 times a second meanwhile. Exit code 1 when a promise is broken. The one argument is schemathesis' seed.
#[tokio::main]
async fn main() -> ExitCode {
    let seed = match std::env::args().nth(1).map(|seed| seed.parse()) {
        None => 1,
        Some(Ok(seed)) => seed,
        Some(Err(_)) => {
            eprintln!("conformance: the seed is a whole number");
            return ExitCode::from(2);
        }
    };
    let outcome = tokio::select! {
        outcome = conformance::run(seed, |line| println!("{line}")) => outcome,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    match outcome {
        Ok((report, broken)) => {
            print!("{report}");
            ExitCode::from(u8::from(broken > 0))
        }
        Err(error) => {
            eprintln!("conformance: {error:#}");
            ExitCode::FAILURE
        }
    }
}
