//! Knot DNS.

use std::path::Path;

use crate::run_to_end;

/// The beginning of a configuration: a server that has its files in this folder.
pub fn server(rundir: &Path, listen: &str) -> String {
    let rundir = rundir.display();
    format!(
        "server:\n  rundir: \"{rundir}\"\n  listen: {listen}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 4\n\
         database:\n  storage: \"{rundir}\"\nlog:\n  - target: stderr\n    any: info\n"
    )
}

/// Runs `knotc` for the server of this folder, and returns what it printed.
pub fn control(rundir: &Path, args: &[&str]) -> String {
    let socket = rundir.join("knot.sock");
    run_to_end("/usr/sbin/knotc", &[&["-s", socket.to_str().unwrap()], args].concat())
}

/// Changes records of a zone in one transaction: each as `knotc zone-set` takes it after the zone.
pub fn set(rundir: &Path, zone: &str, records: &[Vec<&str>]) {
    control(rundir, &["zone-begin", zone]);
    for record in records {
        control(rundir, &[&["zone-set", zone], record.as_slice()].concat());
    }
    control(rundir, &["zone-commit", zone]);
}
