//! NSD.

use std::path::Path;

use crate::run_to_end;

/// The beginning of a configuration: a server that has its files in this folder.
pub fn server(folder: &Path, at: &str, port: u16) -> String {
    let folder = folder.display();
    format!(
        "server:\n  ip-address: {at}@{port}\n  do-ip6: no\n  server-count: 1\n  username: \"\"\n  zonesdir: \"{folder}\"\n  \
         database: \"\"\n  pidfile: \"{folder}/nsd.pid\"\n  xfrdfile: \"{folder}/xfrd.state\"\n  xfrdir: \"{folder}\"\n  \
         zonelistfile: \"{folder}/zone.list\"\nremote-control:\n  control-enable: yes\n  control-interface: \"{folder}/nsd.ctl\"\n"
    )
}

/// A zone of which it is a secondary server at `at`, notified by the primary or not.
pub fn secondary(zone: &str, at: &str, (primary, port): (&str, u16), notified: bool) -> String {
    let notify = match notified {
        true => format!("  allow-notify: {primary} NOKEY\n"),
        false => String::new(),
    };
    format!(
        "zone:\n  name: {zone}\n  zonefile: nsd-copy-{zone}.zone\n  request-xfr: AXFR {primary}@{port} NOKEY\n{notify}  \
         outgoing-interface: {at}\n"
    )
}

/// Runs `nsd-control` for the server with this configuration.
pub fn control(config: &Path, args: &[&str]) {
    run_to_end(
        "/usr/sbin/nsd-control",
        &[&["-c", config.to_str().unwrap()], args].concat(),
    );
}
