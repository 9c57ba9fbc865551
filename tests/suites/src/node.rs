//! The RabbitMQ node that the stacks of some suites share: a node for each of their stacks would be half of their work.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

/// The variable in which stacks look for it; `stack rabbitmq` prints its value.
pub(crate) const VARIABLE: &str = "STACK_SHARED_RABBITMQ";
/// Until it is ready.
const START: Duration = Duration::from_secs(120);
/// Until it has ended.
const STOP: Duration = Duration::from_secs(30);

/// A node that ends when this is dropped, or this process dies: by the end of its standard input.
pub(crate) struct Node {
    program: Child,
    input: ChildStdin,
    /// Where it is.
    pub(crate) value: String,
}

impl Node {
    /// Starts it by the program `stack` beside this one.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let program = std::env::current_exe()?.with_file_name("stack");
        Self::start_by(&program)
            .await
            .with_context(|| format!("{} rabbitmq", program.display()))
    }

    async fn start_by(program: &Path) -> anyhow::Result<Self> {
        let mut program = Command::new(program)
            .arg("rabbitmq")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C is for this process, which then ends it.
            .process_group(0)
            .spawn()?;
        let input = program.stdin.take().context("no standard input")?;
        let mut lines = BufReader::new(program.stdout.take().context("no standard output")?).lines();
        let value = timeout(START, lines.next_line()).await.context("is not ready")??;
        Ok(Self {
            program,
            input,
            value: value.context("has ended")?,
        })
    }

    /// Ends it, and waits for that.
    pub(crate) async fn stop(mut self) {
        drop(self.input);
        timeout(STOP, self.program.wait()).await.ok();
    }
}
