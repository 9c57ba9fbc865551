//! Writes what `--help` of the five services says of their settings into a page of the book: `settings-docs docs/operators/settings.md`.

mod help;
mod page;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::page::Told;

const SERVICES: [&str; 5] = [
    "broker-api",
    "distribution",
    "challenge-verifier",
    "certificate-issuer",
    "cert-installer",
];

fn main() -> anyhow::Result<()> {
    let page = std::env::args()
        .nth(1)
        .context("usage: settings-docs docs/operators/settings.md")?;
    let text = std::fs::read_to_string(&page).with_context(|| page.clone())?;
    std::fs::write(&page, page::rewrite(&text, &told(&programs()?)?)?).with_context(|| page.clone())
}

/// Where cargo puts programs: this one is there, or its test in a folder below.
fn programs() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().context("a folder of programs")?;
    let above = folder.parent().filter(|_| folder.ends_with("deps"));
    Ok(above.unwrap_or(folder).to_owned())
}

fn told(programs: &Path) -> anyhow::Result<Vec<Told>> {
    let told = SERVICES.map(|service| {
        let program = programs.join(service);
        // Without the environment: `--help` shows what is set in it.
        let output = Command::new(&program).arg("--help").env_clear().output();
        let output = output.with_context(|| format!("{}: cargo build --workspace", program.display()))?;
        ensure!(output.status.success(), "{service} --help: {}", output.status);
        let help = help::parse(&String::from_utf8(output.stdout)?).with_context(|| format!("{service} --help"))?;
        Ok((service, help))
    });
    told.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_page_says_what_help_says() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operators/settings.md");
        let there = std::fs::read_to_string(page).unwrap();
        let written = page::rewrite(&there, &told(&programs().unwrap()).unwrap()).unwrap();
        let new = written.lines().find(|line| !there.lines().any(|known| known == *line));
        assert!(
            there == written,
            "docs/operators/settings.md is not what --help says: run `make settings-docs`. New, for one: {new:?}"
        );
    }
}
