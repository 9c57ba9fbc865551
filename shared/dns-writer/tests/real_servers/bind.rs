//! BIND.

use std::fmt::Write as _;
use std::process::Child;

use crate::world::{BROKER, IN_PARENT, OTHERS, PARENT, READ_ONLY, STRANGER, documented, write_zones};
use dns_servers::Folder;

/// BIND listens only at addresses that an interface has.
pub(crate) const AT: &str = "127.0.0.1";

pub(crate) fn start(folder: &Folder, port: u16) -> Child {
    write_zones(folder, "bind");
    let here = folder.path().join("bind");
    let here = here.display();
    let mut config = format!(
        "options {{\n  directory \"{here}\";\n  listen-on port {port} {{ {AT}; }};\n  listen-on-v6 {{ none; }};\n  pid-file none;\n  \
         session-keyfile \"{here}/session.key\";\n  managed-keys-directory \"{here}\";\n  recursion no;\n  dnssec-validation no;\n  \
         notify no;\n}};\ncontrols {{ }};\n{}",
        documented("bind", "/var/lib/bind", folder, "bind")
    );
    let mut grants = format!("grant {}. subdomain {IN_PARENT}. TXT; ", BROKER.name);
    for key in OTHERS.iter().chain([&STRANGER]) {
        let (name, algorithm, secret) = (key.name, key.algorithm, key.secret);
        let _ = writeln!(
            config,
            "key \"{name}\" {{ algorithm {algorithm}; secret \"{secret}\"; }};"
        );
    }
    for key in &OTHERS {
        let _ = write!(grants, "grant {}. subdomain {IN_PARENT}. TXT; ", key.name);
    }
    let _ = write!(
        config,
        "zone \"{PARENT}\" {{ type primary; file \"{PARENT}.zone\"; update-policy {{ {grants} }}; allow-transfer {{ key cdn-broker; }}; }};\n\
         zone \"{READ_ONLY}\" {{ type primary; file \"{READ_ONLY}.zone\"; allow-transfer {{ none; }}; }};\n"
    );
    let config = folder.write("named.conf", &config);
    folder.run("/usr/sbin/named", &["-g", "-n", "1", "-c", &config])
}
