//! schemathesis, driven by the OpenAPI document that the broker serves.

use std::process::Stdio;

use anyhow::Context as _;
use stack::Endpoints;
use tokio::process::Command;

/// Requests made of the document, good and bad, to every address; `ready` is an instance that can be updated. What it says,
/// and whether everything was as the document has it.
///
/// # Errors
/// When it can't be run.
pub(crate) async fn run(endpoints: &Endpoints, ready: &str, seed: u64) -> anyhow::Result<(String, bool)> {
    let program = crate::installed("schemathesis/bin/schemathesis")?;
    let folder = tempfile::tempdir()?;
    // Whoever asks is on another machine in reality: it must not take the broker's processor.
    let mut command = Command::new("nice");
    command
        .args(["-n", "19"])
        .arg(program)
        .arg("--config-file")
        .arg(crate::file("schemathesis.toml"));
    command.args(["run", &format!("{}/openapi.json", endpoints.broker_url), "--no-color"]);
    command.args(["--seed", &seed.to_string()]);
    let login = format!("{}:{}", endpoints.broker_username, endpoints.broker_password);
    command.args(["--auth", &login]);
    // Its own files go there, and nothing that it knows from before comes from here.
    command.current_dir(folder.path());
    command.env("SCHEMATHESIS_HOOKS", crate::file("hooks.py"));
    command.env("READY_INSTANCE", ready).env("PYTHONDONTWRITEBYTECODE", "1");
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.context("schemathesis")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Ok((text, output.status.success()))
}
