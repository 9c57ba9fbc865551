//! The test programs that cargo has built.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::process::Command;

/// What a test program has the tests of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A file or folder of `tests/`.
    Integration,
    /// A library's unit tests.
    Library,
    /// A program's unit tests.
    Program,
}

/// A test program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// Its package.
    pub(crate) package: String,
    /// Its target: the name of a file or folder in `tests/`, or of the library or program whose unit tests it has.
    pub(crate) target: String,
    pub(crate) kind: Kind,
    pub(crate) path: PathBuf,
    /// The folder of its package, in which cargo would run it.
    pub(crate) folder: PathBuf,
}

/// Asks cargo, which also builds what has changed since.
pub(crate) async fn all() -> anyhow::Result<Vec<Program>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--locked", "--workspace", "--all-targets"])
        .args(["--message-format", "json-render-diagnostics"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .context("cannot run cargo")?;
    ensure!(output.status.success(), "cargo build: {}", output.status);
    let lines = String::from_utf8(output.stdout).context("cargo's messages")?;
    lines.lines().filter_map(|line| program(line).transpose()).collect()
}

/// The test program of one of cargo's messages, if it is about one.
fn program(line: &str) -> anyhow::Result<Option<Program>> {
    let message: Value = serde_json::from_str(line).with_context(|| format!("cargo said {line}"))?;
    let is_test = message["reason"] == "compiler-artifact" && message["profile"]["test"] == true;
    let Some(path) = message["executable"].as_str().filter(|_| is_test) else {
        return Ok(None);
    };
    let manifest = PathBuf::from(message["manifest_path"].as_str().context("no manifest")?);
    let folder = manifest.parent().context("a manifest in no folder")?.to_owned();
    let target = message["target"]["name"].as_str().context("a target without a name")?;
    let kinds = message["target"]["kind"].as_array().context("a target of no kind")?;
    Ok(Some(Program {
        package: folder
            .file_name()
            .and_then(|name| name.to_str())
            .context("a folder")?
            .to_owned(),
        target: target.to_owned(),
        kind: match kinds.first().and_then(Value::as_str) {
            Some("test") => Kind::Integration,
            Some("bin") => Kind::Program,
            _ => Kind::Library,
        },
        path: path.into(),
        folder,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_program_is_told_from_the_rest() -> anyhow::Result<()> {
        let message = |test: bool| {
            serde_json::json!({
                "reason": "compiler-artifact",
                "manifest_path": "/source/tests/e2e/Cargo.toml",
                "target": {"name": "faults", "kind": ["test"]},
                "profile": {"test": test},
                "executable": "/source/target/debug/deps/faults-1",
            })
            .to_string()
        };
        assert_eq!(program(&message(false))?, None);
        assert_eq!(program(r#"{"reason": "build-finished", "success": true}"#)?, None);
        let expected = Program {
            package: "e2e".to_owned(),
            target: "faults".to_owned(),
            kind: Kind::Integration,
            path: "/source/target/debug/deps/faults-1".into(),
            folder: "/source/tests/e2e".into(),
        };
        assert_eq!(program(&message(true))?, Some(expected));
        Ok(())
    }
}
