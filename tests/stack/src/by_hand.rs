//! A measurement started by a person.

use std::process::ExitCode;

/// Runs it until it ends or is interrupted, and prints its report. Exit code 1 when promises are broken, or when the
/// measurement failed or was interrupted.
pub async fn by_hand(name: &str, measurement: impl Future<Output = anyhow::Result<(String, usize)>>) -> ExitCode {
    let outcome = tokio::select! {
        outcome = measurement => outcome,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    match outcome {
        Ok((report, broken)) => {
            print!("{report}");
            if broken == 0 {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("{name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
