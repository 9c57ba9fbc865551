//! chromedriver: on a port that it chooses itself, in a folder of its own, and no longer there than the test.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

const PROGRAM: &str = "/usr/bin/chromedriver";
/// How long it may take on a loaded machine until it listens.
const START: Duration = Duration::from_secs(60);
/// What it says when it listens, before its port.
const READY: &str = "ChromeDriver was started successfully on port ";

/// A chromedriver of this test's own. It is killed when this is dropped, and with the thread that started it; the Chromium that it
/// started ends by itself when the pipe between them does.
pub(crate) struct Driver {
    process: Child,
    /// Kept open: it may have more to say.
    _output: Lines<BufReader<ChildStdout>>,
    folder: TempDir,
    /// Where it listens.
    pub(crate) url: String,
}

impl Driver {
    /// Starts it, and waits until it listens.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("cdn-broker-browser-").tempdir()?;
        let log = folder.path().join("chromedriver.log");
        // In this process' group: whoever ends a test by its group ends these, too.
        let mut process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", PROGRAM, "--port=0"])
            // No proxy and no profile of the developer's.
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .env("HOME", folder.path())
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .kill_on_drop(true)
            .spawn()
            .context("cannot run setpriv")?;
        let mut output = BufReader::new(process.stdout.take().context("no standard output")?).lines();
        let port = timeout(START, listens(&mut output, &log))
            .await
            .context("chromedriver does not listen")??;
        Ok(Self {
            process,
            _output: output,
            folder,
            url: format!("http://127.0.0.1:{port}"),
        })
    }

    /// The folder for what belongs to it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it, when its sessions have ended.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        Ok(self.process.kill().await?)
    }
}

/// Its port, once it listens.
async fn listens(output: &mut Lines<BufReader<ChildStdout>>, log: &Path) -> anyhow::Result<u16> {
    while let Some(line) = output.next_line().await? {
        if let Some(port) = line.strip_prefix(READY) {
            return port.trim_end_matches('.').parse().with_context(|| line.clone());
        }
    }
    let said = fs::read_to_string(log).unwrap_or_default();
    bail!("{PROGRAM} ended; run tests/setup.sh if it is not there: {said}")
}
