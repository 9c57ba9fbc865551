//! NSD as the secondary server of Knot's zone.

use std::process::Child;

use crate::knot;
use crate::world::ZONE;
use dns_servers::Folder;

pub(crate) const AT: &str = "127.53.1.3";

pub(crate) fn start(folder: &Folder, port: u16) -> Child {
    let here = folder.path().display();
    let knot = knot::AT;
    let config = format!(
        "server:\n  ip-address: {AT}@{port}\n  do-ip6: no\n  server-count: 1\n  username: \"\"\n  zonesdir: \"{here}\"\n  database: \"\"\n  \
         pidfile: \"{here}/nsd.pid\"\n  xfrdfile: \"{here}/xfrd.state\"\n  xfrdir: \"{here}\"\n  zonelistfile: \"{here}/zone.list\"\n\
         remote-control:\n  control-enable: no\n\
         zone:\n  name: {ZONE}\n  zonefile: nsd-copy.zone\n  request-xfr: {knot}@{port} NOKEY\n  allow-notify: {knot} NOKEY\n  \
         outgoing-interface: {AT}\n"
    );
    let config = folder.write("nsd.conf", &config);
    folder.run("/usr/sbin/nsd", &["-d", "-c", &config])
}
