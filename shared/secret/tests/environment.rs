//! Tests through the environment, in separate processes: a test must not change its own environment.

#![expect(
    clippy::unwrap_used,
    reason = "clippy.toml allows it in tests, which helpers beside them are not"
)]

use std::process::Command;

use clap::Parser as _;
use secret::{Secret, setting};

setting!(Needed, "needed", "SECRET_TEST_NEEDED", required, "What is needed.");

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    needed: Secret<Needed>,
}

/// Runs as the child of the test below.
#[test]
#[ignore = "a child of the other test"]
fn child() {
    match Line::try_parse_from(["child"]) {
        Ok(line) => println!("value={}", line.needed.expose()),
        Err(error) => println!("{error}"),
    }
}

fn with(environment: &[(&str, &str)]) -> String {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program)
        .args(["--ignored", "--exact", "child", "--nocapture"])
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_variable_or_a_file_but_not_both() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "from-file\n").unwrap();
    let path = file.path().to_str().unwrap();
    assert!(with(&[("SECRET_TEST_NEEDED", "hunter2")]).contains("value=hunter2\n"));
    assert!(with(&[("SECRET_TEST_NEEDED_FILE", path)]).contains("value=from-file\n"));
    assert!(with(&[("SECRET_TEST_NEEDED", ""), ("SECRET_TEST_NEEDED_FILE", path)]).contains("value=from-file\n"));
    let both = with(&[("SECRET_TEST_NEEDED", "hunter2"), ("SECRET_TEST_NEEDED_FILE", path)]);
    assert!(
        both.contains("SECRET_TEST_NEEDED and SECRET_TEST_NEEDED_FILE are both set; set one"),
        "{both}"
    );
    assert!(!both.contains("hunter2"), "{both}");
}
