//! Writes what `--help` of the seven services says of their settings into a page of the book: `settings-docs docs/operators/settings.md`.

mod help;
mod page;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::page::Told;

const SERVICES: [&str; 7] = [
    "broker-api",
    "distribution",
    "challenge-verifier",
    "certificate-issuer",
    "cert-installer",
    "dns-responder",
    "notifier",
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
    use std::collections::BTreeMap;

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

    /// Several services have them, each its own.
    const OWN: [&str; 20] = [
        "AMQP_CA_FILE",
        "AMQP_URL_FILE",
        "CONCURRENCY",
        "DATABASE_CA_FILE",
        "DATABASE_POOL_SIZE",
        "DATABASE_TIMEOUT",
        "DATABASE_URL_FILE",
        "HEALTH_LISTEN",
        "LOG_FORMAT",
        "LOG_LEVEL_INTERVAL",
        // A secret.
        "NOTICE_KEYS_FILE",
        "ORPHAN_GRACE",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "RECONCILE_INTERVAL",
        "RUST_LOG",
        // The doctor looks whether it opens what is sealed.
        "SEALING_KEYS_FILE",
        "SHUTDOWN_GRACE",
        "SWEEP_GRACE",
        "SWEEP_INTERVAL",
        "SWEEP_RATE",
    ];

    #[test]
    fn the_doctors_compare_every_setting_of_several_services_that_is_not_each_ones_own() {
        let told = told(&programs().unwrap()).unwrap();
        let mut programs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (program, help) in &told {
            for setting in &help.settings {
                programs.entry(&setting.variable).or_default().push(program);
            }
        }
        for (variable, programs) in programs.iter().filter(|(_, programs)| programs.len() > 1) {
            assert_ne!(
                worker::is_shared(variable),
                OWN.contains(variable),
                "{variable} of {programs:?}: name it in SHARED of the crate worker, or in OWN here"
            );
        }
        for variable in worker::SHARED.iter().chain(&OWN) {
            assert!(programs[variable].len() > 1, "{variable} is of one service only");
        }
    }
}
