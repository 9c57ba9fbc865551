//! Judges in Python, which know what others know: each reads a folder.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use tokio::process::Command;

/// AWS' service models, about what aws-sim was asked and what it answered: a folder of journals. What the judge says, and whether
/// everything is as the models have it.
///
/// # Errors
/// When it can't be run.
pub(crate) async fn models(journals: &Path) -> anyhow::Result<(String, bool)> {
    judge("aws-tools", "aws-judge.py", journals).await
}

/// BIND and others, about the records that a page has as files: a folder of those with `expected.json` (see `records-judge.py`). What the
/// judge says, and whether all of them read what was written.
///
/// # Errors
/// When it can't be run.
pub async fn records(folder: &Path) -> anyhow::Result<(String, bool)> {
    judge("records-judge", "records-judge.py", folder).await
}

async fn judge(environment: &str, script: &str, folder: &Path) -> anyhow::Result<(String, bool)> {
    let mut command = Command::new(crate::installed(&format!("{environment}/bin/python"))?);
    command.arg(crate::file(script)).arg(folder);
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.with_context(|| script.to_owned())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Ok((text, output.status.success()))
}
