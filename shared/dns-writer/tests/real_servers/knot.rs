//! Knot DNS, which notifies NSD.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Child;

use dns_servers::{Folder, knot};

use crate::nsd;
use crate::world::{HELD, IN_PARENT, OTHERS, PARENT, READ_ONLY, STRANGER, documented, write_zones};

pub(crate) const AT: &str = "127.53.1.2";

pub(crate) fn start(folder: &Folder, port: u16) -> Child {
    write_zones(folder, "knot");
    let nsd = nsd::AT;
    let rundir = rundir(folder);
    let mut config = format!(
        "{}remote:\n  - id: secondary\n    address: {nsd}@{port}\n    via: {AT}\n\
         acl:\n  - id: secondary\n    address: {nsd}\n    action: transfer\n\
         template:\n  - id: default\n    storage: \"{}\"\n    notify: secondary\n\n{}",
        knot::server(&rundir, &format!("{AT}@{port}")),
        rundir.display(),
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
    knot::control(&rundir(folder), args);
}

fn rundir(folder: &Folder) -> PathBuf {
    folder.path().join("knot")
}
