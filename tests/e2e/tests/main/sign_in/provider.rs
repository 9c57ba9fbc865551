//! The OpenID provider: `tests/e2e/sign-in/provider.mjs` on Node, which ends with its standard input.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::world::PATIENCE;

pub(super) const CLIENT: &str = "cdn-broker";
pub(super) const SECRET: &str = "hunter2-client";

pub(super) struct Provider {
    pub(super) url: String,
    _process: Child,
}

impl Provider {
    /// One with this client's redirect URIs.
    pub(super) async fn start(redirect_uris: &[String]) -> anyhow::Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut process = Command::new(installed("node/bin/node")?)
            .arg(here.join("sign-in/provider.mjs"))
            .args([CLIENT, SECRET])
            .args(redirect_uris)
            .env("PROVIDER_MODULES", installed("sign-in-provider/node_modules")?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(process.stdout.take().context("its output")?).lines();
        let url = timeout(PATIENCE, lines.next_line())
            .await
            .context("it says nothing")??
            .context("it has ended")?;
        ensure!(url.starts_with("http://127.0.0.1:"), "{url}");
        // It goes on to talk.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { url, _process: process })
    }
}

fn installed(path: &str) -> anyhow::Result<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.local").join(path);
    ensure!(path.exists(), "{} is missing: run tests/setup.sh", path.display());
    Ok(path)
}
