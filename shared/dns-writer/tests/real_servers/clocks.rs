//! A clock that is off: this program runs once more, under libfaketime, for its part as the broker.

use std::path::PathBuf;
use std::process::Command;

use crate::client::{Settings, adds};
use crate::world::{BOTH, ZONE, world};

fn libfaketime() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap();
    folders
        .map(|folder| folder.unwrap().path().join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.exists())
        .unwrap_or_else(|| panic!("no libfaketime: tests/setup.sh installs it"))
}

/// Runs as the child of the test below.
#[tokio::test]
#[ignore = "a child of the other test"]
async fn child() {
    let address = std::env::var("DNS_WRITER_TEST_SERVER").unwrap().parse().unwrap();
    let change = adds(&format!("clock.{ZONE}"), &["x"]);
    println!("{:?}", Settings::at(address).open().await.apply(&[change]).await);
}

#[tokio::test]
async fn the_difference_of_the_clocks_is_told() {
    for server in BOTH {
        for (offset, way) in [("+1h", "behind"), ("-1h", "ahead of")] {
            let output = Command::new(std::env::current_exe().unwrap())
                .args(["--ignored", "--exact", "clocks::child", "--nocapture"])
                .env("LD_PRELOAD", libfaketime())
                .env("FAKETIME", offset)
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
                .env("DNS_WRITER_TEST_SERVER", world().address(server).to_string())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let told = [3599, 3600, 3601]
                .map(|seconds| format!("BADTIME: its clock is {seconds} s {way} this machine's"))
                .iter()
                .any(|words| said.contains(words));
            assert!(
                said.contains("Refused") && told,
                "{server:?} {offset}: {said}{:?}",
                output.stderr
            );
        }
    }
}
