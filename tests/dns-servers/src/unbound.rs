//! Unbound.

use std::path::Path;

/// The beginning of a configuration: a server that has its files in this folder, for names below `test`.
pub fn server(folder: &Path, at: &str, port: u16) -> String {
    let folder = folder.display();
    format!(
        "server:\n  interface: {at}@{port}\n  access-control: 127.0.0.0/8 allow\n  username: \"\"\n  chroot: \"\"\n  \
         directory: \"{folder}\"\n  pidfile: \"\"\n  use-syslog: no\n  do-daemonize: no\n  num-threads: 1\n  \
         do-not-query-localhost: no\n  local-zone: \"test.\" nodefault\n"
    )
}

/// A zone and the servers to ask about it: Unbound asks those of a delegation at port 53.
pub fn stub(zone: &str, servers: &[&str], port: u16) -> String {
    let servers: String = servers
        .iter()
        .map(|server| format!("  stub-addr: {server}@{port}\n"))
        .collect();
    format!("stub-zone:\n  name: {zone}\n{servers}")
}
