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
    /// One of Cloud Controller's seconds takes so many real ones; the organization has as many annotations as it may have, nearly.
    ///
    /// # Errors
    /// When there is no room for its file.
    pub(crate) fn new(endpoints: &Endpoints, second: f64, organization: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let env = vec![
            ("CF_BROKER_URL", endpoints.broker_url.clone()),
            ("CF_BROKER_USERNAME", endpoints.broker_username.clone()),
            ("CF_BROKER_PASSWORD", endpoints.broker_password.clone()),
            ("CF_STATE", folder.path().join("state.json").display().to_string()),
            ("CF_SECOND", second.to_string()),
            ("CF_ORGANIZATION", organization.to_owned()),
            ("CF_ANNOTATIONS", "60".to_owned()),
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
        let id = self.remembered(name, "id")?;
        let id = id.as_str();
        Ok(id.with_context(|| format!("{name} is not there"))?.to_owned())
    }

    /// How long until an instance is polled again, in Cloud Controller's seconds.
    ///
    /// # Errors
    /// When there is none of that name.
    pub(crate) fn interval(&self, name: &str) -> anyhow::Result<u64> {
        let interval = self.remembered(name, "interval")?.as_u64();
        interval.with_context(|| format!("{name} got no interval"))
    }

    fn remembered(&self, name: &str, what: &str) -> anyhow::Result<serde_json::Value> {
        let path: PathBuf = self.folder.path().join("state.json");
        let state: serde_json::Value = serde_json::from_slice(&std::fs::read(path)?)?;
        Ok(state[name][what].clone())
    }
}
