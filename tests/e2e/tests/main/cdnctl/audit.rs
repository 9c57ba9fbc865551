//! cdnctl's own part of the audit log: whose name is taken, and how it is shown.

use anyhow::Context as _;
use serde_json::Value;

use super::{cdnctl, run};
use crate::records::desk;

#[tokio::test]
async fn who_acts_is_recorded_and_shown() -> anyhow::Result<()> {
    let desk = desk().await?;
    let url = desk.url.as_str();
    assert_eq!(cdnctl(url, &["audit"]).await?.text, "no entry\n");
    let nothing: &[(&str, &str)] = &[];
    for (environment, args) in [
        (nothing, &["log-level", "debug"][..]),
        (&[("USER", "root"), ("SUDO_USER", "bob")], &["log-level", "info"]),
        (&[("USER", "root"), ("CDNCTL_AS", "carol")], &["log-level", "warn"]),
        (&[("CDNCTL_AS", "carol")], &["--as", "alice", "log-level", "error"]),
        // After the command, too.
        (nothing, &["log-level", "--reset", "--as", "Dave D."]),
    ] {
        let said = run(url, environment, args).await?;
        assert_eq!(said.code, Some(0), "{}", said.errors);
    }
    let json = cdnctl(url, &["audit", "--json"]).await?.json()?;
    let entries = json.as_array().context("a list")?;
    let of = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let who: Vec<String> = entries.iter().map(|entry| of(entry, "who")).collect();
    assert_eq!(who[..3], ["Dave D.", "alice", "carol"], "the newest first");
    assert!(who[3].starts_with("bob@"), "{who:?}");
    assert!(who[4].starts_with("uid-"), "{who:?}");
    assert!(entries.iter().all(|entry| of(entry, "via") == "cdnctl"), "{json}");

    // A name that would be two lines is none.
    let bad = cdnctl(url, &["--as", "a\nb", "log-level", "debug"]).await?;
    assert_eq!((bad.code, bad.text.as_str()), (Some(2), ""));

    let page = cdnctl(url, &["audit", "--limit", "2"]).await?;
    assert_eq!(page.code, Some(0), "{}", page.errors);
    assert!(page.line("ID ").ends_with("DETAILS"), "{}", page.text);
    assert!(page.text.contains("reset-log-level"), "{}", page.text);
    let oldest = entries[1]["id"].as_i64().context("an id")?.to_string();
    assert_eq!(page.line("older ones"), format!("older ones: --before {oldest}"));
    let next = cdnctl(url, &["audit", "--limit", "3", "--before", &oldest]).await?;
    assert!(
        next.text.contains("carol") && !next.text.contains("alice"),
        "{}",
        next.text
    );
    assert!(!next.text.contains("older ones"), "these are all: {}", next.text);
    let of_none = cdnctl(url, &["audit", "--instance", "no-such", "--since", "1h"]).await?;
    assert_eq!((of_none.code, of_none.text.as_str()), (Some(0), "no entry\n"));
    assert_eq!(cdnctl(url, &["audit", "--limit", "0"]).await?.code, Some(2));
    Ok(())
}
