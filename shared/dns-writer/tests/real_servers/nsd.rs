//! NSD as the secondary server of Knot's zone.

use std::process::Child;

use dns_servers::{Folder, nsd};

use crate::knot;
use crate::world::ZONE;

pub(crate) const AT: &str = "127.53.1.3";

pub(crate) fn start(folder: &Folder, port: u16) -> Child {
    let config = nsd::server(folder.path(), AT, port) + &nsd::secondary(ZONE, AT, (knot::AT, port), true);
    let config = folder.write("nsd.conf", &config);
    folder.run("/usr/sbin/nsd", &["-d", "-c", &config])
}
