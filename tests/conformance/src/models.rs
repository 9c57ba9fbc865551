//! AWS' service models, about what aws-sim was asked and what it answered.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use tokio::process::Command;

/// Judges a folder of journals. What the judge says, and whether everything is as the models have it.
///
/// # Errors
/// When it can't be run.
pub(crate) async fn judge(journals: &Path) -> anyhow::Result<(String, bool)> {
    let mut command = Command::new(crate::installed("aws-tools/bin/python")?);
    command.arg(crate::file("aws-judge.py")).arg(journals);
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.context("aws-judge.py")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Ok((text, output.status.success()))
}
