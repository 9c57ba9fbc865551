//! `cf`, the script, as a user at a terminal runs it.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context as _;
use stack::Endpoints;
use tempfile::TempDir;
use tokio::process::Command;

/// A user who is logged in.
pub(crate) struct Cf {
    folder: TempDir,
    env: Vec<(&'static str, String)>,
}

/// What a command printed.
#[derive(Debug)]
pub(crate) struct Said {
    /// Exit code.
    pub(crate) code: Option<i32>,
    /// Standard output and standard error.
    pub(crate) text: String,
}

impl Cf {
    /// One of Cloud Controller's seconds takes so many real ones.
    ///
    /// # Errors
    /// When there is no room for its file.
    pub(crate) fn new(endpoints: &Endpoints, second: f64) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let env = vec![
            ("CF_BROKER_URL", endpoints.broker_url.clone()),
            ("CF_BROKER_USERNAME", endpoints.broker_username.clone()),
            ("CF_BROKER_PASSWORD", endpoints.broker_password.clone()),
            ("CF_STATE", folder.path().join("state.json").display().to_string()),
            ("CF_SECOND", second.to_string()),
        ];
        Ok(Self { folder, env })
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// When there is no Python.
    pub(crate) async fn run(&self, words: &[&str]) -> anyhow::Result<Said> {
        let mut command = Command::new("python3");
        command
            .arg(crate::file("cf"))
            .args(words)
            .envs(self.env.iter().cloned());
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await.context("python3")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        Ok(Said {
            code: output.status.code(),
            text,
        })
    }

    /// The instance's id, by its name.
    ///
    /// # Errors
    /// When there is none of that name.
    pub(crate) fn id(&self, name: &str) -> anyhow::Result<String> {
        let path: PathBuf = self.folder.path().join("state.json");
        let state: serde_json::Value = serde_json::from_slice(&std::fs::read(path)?)?;
        let id = state[name]["id"].as_str();
        Ok(id.with_context(|| format!("{name} is not there"))?.to_owned())
    }
}
