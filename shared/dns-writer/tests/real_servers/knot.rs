//! Knot DNS, which notifies NSD.

use std::fmt::Write as _;
use std::process::Child;

use crate::nsd;
use crate::world::{HELD, IN_PARENT, OTHERS, PARENT, READ_ONLY, STRANGER, documented, write_zones};
use dns_servers::{Folder, run_to_end};

pub(crate) const AT: &str = "127.53.1.2";

pub(crate) fn start(folder: &Folder, port: u16) -> Child {
    write_zones(folder, "knot");
    let here = folder.path().join("knot");
    let here = here.display();
    let nsd = nsd::AT;
    let mut config = format!(
        "server:\n  rundir: \"{here}\"\n  listen: {AT}@{port}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 4\n\
         database:\n  storage: \"{here}\"\nlog:\n  - target: stderr\n    any: info\n\
         remote:\n  - id: secondary\n    address: {nsd}@{port}\n    via: {AT}\n\
         acl:\n  - id: secondary\n    address: {nsd}\n    action: transfer\n\
         template:\n  - id: default\n    storage: \"{here}\"\n    notify: secondary\n\n{}",
        documented("knot", "/var/lib/knot", folder, "knot")
    );
    // As an operator would add the secondary's right to the list.
    config = config.replace(
        "[cdn-broker-writes, cdn-broker-lists]",
        "[cdn-broker-writes, cdn-broker-lists, secondary]",
    );
    config.push_str("key:\n");
    for key in OTHERS.iter().chain([&STRANGER]) {
        let (name, algorithm, secret) = (key.name, key.algorithm, key.secret);
        let _ = write!(
            config,
            "  - id: {name}\n    algorithm: {algorithm}\n    secret: {secret}\n"
        );
    }
    let _ = write!(
        config,
        "acl:\n  - id: in-parent\n    key: [cdn-broker, with-384, with-512]\n    action: update\n    update-type: [TXT]\n    \
         update-owner: name\n    update-owner-match: sub\n    update-owner-name: [{IN_PARENT}.]\n\
         \x20 - id: held\n    key: cdn-broker\n    action: [update, transfer]\n\
         zone:\n  - domain: {HELD}\n    file: {HELD}.zone\n    acl: held\n  - domain: {PARENT}\n    file: {PARENT}.zone\n    acl: [in-parent, cdn-broker-lists]\n  \
         - domain: {READ_ONLY}\n    file: {READ_ONLY}.zone\n"
    );
    let config = folder.write("knot.conf", &config);
    folder.run("/usr/sbin/knotd", &["-c", &config])
}

/// Runs `knotc`.
pub(crate) fn control(folder: &Folder, args: &[&str]) {
    let socket = folder.path().join("knot/knot.sock");
    run_to_end("/usr/sbin/knotc", &[&["-s", socket.to_str().unwrap()], args].concat());
}
