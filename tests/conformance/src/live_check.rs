//! `cdnctl live-check` at a second AWS: what it makes there is gone afterwards, and it has tried what moto has.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use stack::Handle;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

const DOMAIN: &str = "live-check.moto.example.com";
/// moto has a function's creation and no publication.
const WITHOUT: &str = "--no-function";
/// What is seen there, whatever the verdict; moto looks at no key and at no CA.
const SEEN: [&str; 5] = ["p256", "two-certificate-changes", "deployment", "alias", "visible"];

/// Runs it, and sets the records that it asks for. The verdicts, in a line.
///
/// # Errors
/// When it does not come to its end, leaves something, or has not seen what it should.
pub(crate) async fn run(url: &str, stack: &Handle) -> anyhow::Result<String> {
    let folder = tempfile::tempdir()?;
    let e = stack.endpoints();
    let mut child = Command::new(cdnctl()?)
        .env_clear()
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_ENDPOINT_URL_CLOUDFRONT", url)
        .env("AWS_ENDPOINT_URL_IAM", url)
        .args([
            "live-check",
            "--yes",
            "--json",
            "--every",
            "200ms",
            "--patience",
            "60s",
            WITHOUT,
        ])
        .args(["--domain", DOMAIN, "--acme-directory-url", &e.acme_directory_url])
        .args(["--resolver", &e.dns_addr.to_string()])
        .arg("--ca-roots")
        .arg(&e.acme_ca_pem)
        .arg("--folder")
        .arg(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(child.stderr.take().context("standard error")?).lines();
    let (dns, mut told) = (stack.dns()?, String::new());
    while let Some(line) = lines.next_line().await? {
        if let Some((name, value)) = line.split_once(". 60 IN TXT ") {
            dns.set_txt(name, value.trim_matches('"')).await?;
        }
        told = told + &line + "\n";
    }
    let output = child.wait_with_output().await?;
    ensure!(output.status.success(), "{}\n{told}", output.status);
    judged(&serde_json::from_slice(&output.stdout)?).with_context(|| told)
}

fn judged(report: &Value) -> anyhow::Result<String> {
    ensure!(report["left"].as_array().is_some_and(Vec::is_empty), "{report}");
    let beliefs = report["beliefs"].as_array().context("beliefs")?;
    let verdict = |id: &str| {
        let belief = beliefs.iter().find(|belief| belief["id"] == id);
        belief.and_then(|belief| belief["verdict"].as_str()).unwrap_or("none")
    };
    let seen = SEEN.map(|id| (id, verdict(id)));
    ensure!(
        seen.iter()
            .all(|(_, verdict)| ["confirmed", "refuted"].contains(verdict)),
        "{report}"
    );
    Ok(seen.map(|(id, verdict)| format!("{id} {verdict}")).join(", "))
}

/// Where cargo puts programs: this one is there, or its test in a folder below.
fn cdnctl() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().context("a folder of programs")?;
    let above = folder.parent().filter(|_| folder.ends_with("deps"));
    Ok(above.unwrap_or(folder).join("cdnctl"))
}
