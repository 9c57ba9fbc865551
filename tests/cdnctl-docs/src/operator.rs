//! Whoever types the commands, with an operator's environment.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, bail};
use stack::{DELAY_QUEUES_MS, Handle};
use tokio::process::Command;

pub(crate) struct Operator {
    program: PathBuf,
    environment: BTreeMap<&'static str, String>,
}

impl Operator {
    pub(crate) fn of(handle: &Handle) -> anyhow::Result<Self> {
        let own = std::env::current_exe()?;
        let program = own.parent().context("a folder of programs")?.join("cdnctl");
        let e = handle.endpoints();
        let key = e.aws_keys.get("distribution").context("a key")?;
        let environment = BTreeMap::from([
            ("DATABASE_URL", e.database_url.clone()),
            ("AMQP_URL", e.amqp_url.clone()),
            ("DELAY_QUEUES_MS", DELAY_QUEUES_MS.to_owned()),
            ("AWS_ACCESS_KEY_ID", key.id.clone()),
            ("AWS_SECRET_ACCESS_KEY", key.secret.clone()),
            ("AWS_ENDPOINT_URL_CLOUDFRONT", e.aws_api_url.clone()),
            ("PAGES_URL", "https://broker.example.com".to_owned()),
            // Not whoever runs this, and where.
            ("CDNCTL_AS", "alice".to_owned()),
            // An example, so that the document has the same link each time.
            (
                "PAGE_KEYS",
                "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=".to_owned(),
            ),
        ]);
        Ok(Self { program, environment })
    }

    /// What a command says, and its exit code unless it is 0.
    pub(crate) async fn says(&self, command: &str) -> anyhow::Result<String> {
        let mut words = words(command)?.into_iter();
        anyhow::ensure!(words.next().as_deref() == Some("cdnctl"), "only cdnctl is run");
        let output = Command::new(&self.program)
            .args(words)
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null())
            .output()
            .await
            .with_context(|| format!("{}: cargo build -p cdnctl", self.program.display()))?;
        let mut said = String::from_utf8(output.stdout)? + &String::from_utf8(output.stderr)?;
        match output.status.code() {
            Some(0) => {}
            Some(code @ 1..=2) => said.push_str(&format!("[exit code {code}]\n")),
            _ => bail!("it died: {said}"),
        }
        Ok(said)
    }
}

/// Words, as a shell takes them; of its quotes only `"` is known.
fn words(command: &str) -> anyhow::Result<Vec<String>> {
    let mut words = Vec::new();
    for (at, part) in command.split('"').enumerate() {
        match at % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    anyhow::ensure!(
        command.matches('"').count().is_multiple_of(2),
        "a quote without its end"
    );
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn what_is_quoted_is_one_word() {
        assert_eq!(
            words("cdnctl cancel x --why \"a b\" --yes").unwrap(),
            ["cdnctl", "cancel", "x", "--why", "a b", "--yes"]
        );
        assert!(words("cdnctl \"x").is_err());
    }
}
