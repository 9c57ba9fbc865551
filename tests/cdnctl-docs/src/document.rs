//! The document: a line `<!-- run cdnctl … -->`, and the fenced block below it that is what the command says.

use anyhow::{Context as _, ensure};

const BEGIN: &str = "<!-- run ";
const END: &str = " -->";
const FENCE: &str = "```";

/// The document with every block written anew; `run` is asked in its order.
pub(crate) async fn rewrite(text: &str, run: impl AsyncFn(&str) -> anyhow::Result<String>) -> anyhow::Result<String> {
    let mut written = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        written.push(line.to_owned());
        let Some(command) = line.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END)) else {
            continue;
        };
        let fence = lines.next().context("a marker at the end")?;
        ensure!(fence.starts_with(FENCE), "no block below {line:?}");
        ensure!(lines.any(|line| line == FENCE), "the block below {line:?} has no end");
        let said = run(command).await.with_context(|| command.to_owned())?;
        written.extend([fence.to_owned(), format!("$ {command}")]);
        written.extend(said.lines().map(|line| line.trim_end().to_owned()));
        written.push(FENCE.to_owned());
    }
    Ok(written.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_is_below_a_marker_is_written_anew() {
        let text = "a\n<!-- run cdnctl x -->\n```text\n$ old\nold\n```\nb\n```\nkept\n```\n";
        let written = rewrite(text, async |command| Ok(format!("said of {command}\n")))
            .await
            .unwrap();
        let new = "a\n<!-- run cdnctl x -->\n```text\n$ cdnctl x\nsaid of cdnctl x\n```\nb\n```\nkept\n```\n";
        assert_eq!(written, new);
        for bad in [
            "<!-- run cdnctl x -->",
            "<!-- run cdnctl x -->\nno block",
            "<!-- run cdnctl x -->\n```\nopen",
        ] {
            assert!(rewrite(bad, async |_| Ok(String::new())).await.is_err(), "{bad}");
        }
    }
}
