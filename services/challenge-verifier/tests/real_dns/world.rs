//! A small DNS of real servers on loopback: Knot DNS and NSD with the zones, Unbound as a validating resolver, and a
//! second Unbound as an authoritative server that accepts TCP only.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::Child;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use challenge_verifier::{DnsServer, ProbeSettings};
use dns_servers::client::Question;
use dns_servers::{Folder, free_port, knot, nsd, run_to_end, unbound, wait_for, zone_file};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RecordType;

use crate::support;

pub(crate) const KNOT: &str = "127.53.0.1";
pub(crate) const NSD: &str = "127.53.0.2";
pub(crate) const TCP_ONLY: &str = "127.53.0.4";
/// Nothing listens there.
pub(crate) const GONE: &str = "127.53.0.9";
pub(crate) const RESOLVER: &str = "127.53.0.53";

/// A digest of a nonexistent key.
const WRONG_DS: &str = "DS 4711 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// The zones below `test`, and the records of each: its name servers with glue, and perhaps a DS record. `\n` separates
/// records; a `DS` alone becomes the digest of the zone's own key.
const DELEGATIONS: &str = "
good       NS ns1.good.test.\ngood NS ns2.good.test.\nns1.good A 127.53.0.1\nns2.good A 127.53.0.2
bogus      NS ns.bogus.test.\nns.bogus A 127.53.0.1
unsigned   NS ns.unsigned.test.\nns.unsigned A 127.53.0.2
pair       NS ns1.pair.test.\npair NS ns2.pair.test.\nns1.pair A 127.53.0.1\nns2.pair A 127.53.0.2
customer   NS ns1.customer.test.\ncustomer NS ns2.customer.test.\nns1.customer A 127.53.0.1\nns2.customer A 127.53.0.2
plain      NS ns.plain.test.\nns.plain A 127.53.0.1
lame       NS ns1.lame.test.\nlame NS ns2.lame.test.\nlame NS ns3.lame.test.\nns1.lame A 127.53.0.1\nns2.lame A 127.53.0.2\nns3.lame A 127.53.0.9
split      NS ns1.split.test.\nns1.split A 127.53.0.1
six        NS ns.six.test.\nns.six AAAA ::1
tcp        NS ns.tcp.test.\nns.tcp A 127.53.0.4
wild       NS ns.wild.test.\nns.wild A 127.53.0.2
torn       NS ns.torn.test.\nns.torn A 127.53.0.1
";

/// Zones that Knot signs.
const SIGNED: [&str; 3] = ["test", "good.test", "bogus.test"];

/// Each zone on Knot, without its SOA record.
const ON_KNOT: [(&str, &str); 10] = [
    (
        "good.test",
        "@ NS ns1\n@ NS ns2\nns1 A 127.53.0.1\nns2 A 127.53.0.2\n_acme-challenge.www TXT xyz",
    ),
    (
        "customer.test",
        "@ NS ns1\n@ NS ns2\nns1 A 127.53.0.1\nns2 A 127.53.0.2",
    ),
    // For one test alone: nobody else transfers it to the secondary.
    ("pair.test", "@ NS ns1\n@ NS ns2\nns1 A 127.53.0.1\nns2 A 127.53.0.2"),
    ("bogus.test", "@ NS ns\nns A 127.53.0.1\n_acme-challenge.www TXT xyz"),
    (
        "plain.test",
        "@ NS ns\nns A 127.53.0.1\n_acme-challenge.www TXT xyz\n_acme-challenge.cross CNAME _acme-challenge.www.good.test.\n\
         old DNAME www.good.test.\nchild NS ns.child\nns.child A 127.53.0.2\nd111.cdn A 127.0.0.1",
    ),
    (
        "lame.test",
        "@ NS ns1\n@ NS ns2\n@ NS ns3\nns1 A 127.53.0.1\nns2 A 127.53.0.2\nns3 A 127.53.0.9\n_acme-challenge.www TXT xyz",
    ),
    (
        "split.test",
        "@ NS ns1\nns1 A 127.53.0.1\nsub NS ns1\nsub NS ns2\nns2 A 127.53.0.2",
    ),
    (
        "sub.split.test",
        "@ NS ns1.split.test.\n@ NS ns2.split.test.\n_acme-challenge.www TXT xyz",
    ),
    ("six.test", "@ NS ns\nns AAAA ::1\n_acme-challenge.www TXT xyz"),
    ("torn.test", "@ NS ns\nns A 127.53.0.1\n_acme-challenge.www TXT xyz"),
];

/// Zones of Knot that NSD has as a secondary server.
const ON_BOTH: [&str; 3] = ["good.test", "customer.test", "pair.test"];

/// Each zone that only NSD has.
const ON_NSD: [(&str, &str); 4] = [
    ("unsigned.test", "@ NS ns\nns A 127.53.0.2\n_acme-challenge.www TXT xyz"),
    (
        "child.plain.test",
        "@ NS ns\nns A 127.53.0.2\n_acme-challenge.www TXT xyz",
    ),
    // An old copy, from before sub.split.test was delegated.
    ("split.test", "@ NS ns1\nns1 A 127.53.0.1\nns2 A 127.53.0.2"),
    ("wild.test", "@ NS ns\nns A 127.53.0.2\n* CNAME d111.cdn.plain.test."),
];

const ON_TCP_ONLY: (&str, &str) = ("tcp.test", "@ NS ns\nns A 127.53.0.4\n_acme-challenge.www TXT xyz");

pub(crate) struct World {
    pub(crate) port: u16,
    folder: Folder,
    /// Knot accepts one transaction per zone at a time ("too many transactions"), and tests run concurrently.
    changing: Mutex<()>,
    _servers: Vec<Child>,
}

/// Shared by all tests; its processes end with this one.
pub(crate) fn world() -> &'static World {
    static WORLD: LazyLock<World> = LazyLock::new(|| dns_servers::start(World::start));
    &WORLD
}

impl World {
    fn start() -> Self {
        let mut world = Self {
            port: free_port(&[KNOT, NSD, TCP_ONLY, GONE, RESOLVER, "::1"]),
            folder: Folder::new("real-dns-"),
            changing: Mutex::new(()),
            _servers: Vec::new(),
        };
        world.write_knot();
        world.write_nsd();
        world.write_unbound();
        let config = |name: &str| world.folder.path().join(name).to_str().unwrap().to_owned();
        let tcp_only = &["-d", "-p", "-c", &config("tcp-only.conf")];
        let servers = vec![
            world.folder.run("/usr/sbin/knotd", &["-c", &config("knot.conf")]),
            world.folder.run("/usr/sbin/nsd", &["-d", "-c", &config("nsd.conf")]),
            world.folder.run("/usr/sbin/unbound", tcp_only),
        ];
        world._servers = servers;
        for (zone, _) in ON_KNOT {
            world.wait_for(KNOT, &format!("{zone}."), RecordType::SOA);
        }
        world.wait_for(NSD, "wild.test.", RecordType::SOA);
        for zone in ON_BOTH {
            world.wait_for(NSD, &format!("{zone}."), RecordType::SOA);
        }
        // Started last: a server that it can't reach at once counts as broken for a while.
        let resolver = world
            .folder
            .run("/usr/sbin/unbound", &["-d", "-p", "-c", &config("resolver.conf")]);
        world._servers.push(resolver);
        world.wait_for(RESOLVER, "good.test.", RecordType::NS);
        world
    }

    /// The settings with which the verifier queries these servers.
    pub(crate) fn settings(&self) -> ProbeSettings {
        ProbeSettings {
            dns_walk_resolver: DnsServer(Some(format!("{RESOLVER}:{}", self.port))),
            dns_authoritative_port: self.port,
            dns_timeout: Duration::from_secs(2),
            dns_attempts: 2,
            ..support::settings()
        }
    }

    /// Adds a record on the zone's primary server; its secondary isn't notified.
    pub(crate) fn add(&self, zone: &str, name: &str, record: &str) {
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let record = [name, "60"].into_iter().chain(record.split(' ')).collect();
        knot::set(self.folder.path(), zone, &[record]);
    }

    /// Transfers the zone to the secondary server.
    pub(crate) fn transfer(&self, zone: &str, name: &str) {
        nsd::control(&self.folder.path().join("nsd.conf"), &["transfer", zone]);
        self.wait_for(NSD, name, RecordType::TXT);
    }

    /// A server's response: the code, and the number of records.
    pub(crate) fn ask(&self, server: &str, name: &str, kind: RecordType) -> Option<(ResponseCode, usize)> {
        let answer = question(server, name, kind).by_udp(self.at(server)).ok()?;
        Some((answer.metadata.response_code, answer.answers.len()))
    }

    fn wait_for(&self, server: &str, name: &str, kind: RecordType) {
        wait_for(self.at(server), question(server, name, kind), &self.folder);
    }

    fn at(&self, server: &str) -> SocketAddr {
        SocketAddr::new(server.parse().unwrap(), self.port)
    }

    fn write_zone(&self, server: &str, zone: &str, records: &str) {
        let text = zone_file(zone, records);
        self.folder.write(&format!("{server}-{zone}.zone"), &text);
    }

    fn write_knot(&self) {
        let (folder, port) = (self.folder.path(), self.port);
        let mut config = format!(
            "{}acl:\n  - id: loopback\n    address: 127.0.0.0/8\n    action: transfer\npolicy:\n  - id: one-key\n    \
             manual: on\n    single-type-signing: on\ntemplate:\n  - id: default\n    storage: \"{}\"\n    \
             zonefile-sync: -1\n    journal-content: none\n    semantic-checks: off\n    acl: loopback\nzone:\n",
            knot::server(folder, &format!("[ \"{KNOT}@{port}\", \"::1@{port}\" ]")),
            folder.display(),
        );
        for zone in ON_KNOT.map(|(zone, _)| zone).into_iter().chain(["test"]) {
            let _ = write!(config, "  - domain: {zone}.\n    file: knot-{zone}.zone\n");
            if SIGNED.contains(&zone) {
                config.push_str("    dnssec-signing: on\n    dnssec-policy: one-key\n");
            }
        }
        self.folder.write("knot.conf", &config);
        for zone in SIGNED {
            self.keymgr(zone, &["generate", "algorithm=ECDSAP256SHA256", "ksk=yes", "zsk=yes"]);
        }
        for (zone, records) in ON_KNOT {
            self.write_zone("knot", zone, records);
        }
        let delegations = DELEGATIONS.replace("\\n", "\n");
        let good = self.ds("good");
        let top = format!("@ NS ns\nns A {KNOT}\n{delegations}\ngood {good}\nbogus {WRONG_DS}\nunsigned {WRONG_DS}\n");
        self.write_zone("knot", "test", &top);
    }

    /// The DS record of a zone below `test`, or of `test` itself.
    fn ds(&self, zone: &str) -> String {
        let zone = if zone == "test" {
            "test".to_owned()
        } else {
            format!("{zone}.test")
        };
        let all = self.keymgr(&zone, &["ds"]);
        let first = all.lines().next().unwrap();
        first.split_once(' ').unwrap().1.to_owned()
    }

    fn keymgr(&self, zone: &str, args: &[&str]) -> String {
        let config = self.folder.path().join("knot.conf");
        let zone = format!("{zone}.");
        let first = ["-c", config.to_str().unwrap(), &zone];
        run_to_end("/usr/sbin/keymgr", &[&first, args].concat())
    }

    fn write_nsd(&self) {
        let mut config = nsd::server(self.folder.path(), NSD, self.port);
        for zone in ON_BOTH {
            config += &nsd::secondary(zone, NSD, (KNOT, self.port), false);
        }
        for (zone, records) in ON_NSD {
            let _ = write!(config, "zone:\n  name: {zone}\n  zonefile: nsd-{zone}.zone\n");
            self.write_zone("nsd", zone, records);
        }
        self.folder.write("nsd.conf", &config);
    }

    fn write_unbound(&self) {
        let (folder, port) = (self.folder.path(), self.port);
        let anchor = self.ds("test");
        let mut resolver = format!(
            "{}  module-config: \"validator iterator\"\n  trust-anchor: \"test. {anchor}\"\n  ede: yes\n  \
             val-log-level: 2\n",
            unbound::server(folder, RESOLVER, port)
        );
        let stubs = [
            ("test", KNOT),
            ("good.test", KNOT),
            ("customer.test", KNOT),
            ("pair.test", KNOT),
            ("bogus.test", KNOT),
            ("unsigned.test", NSD),
            ("plain.test", KNOT),
            ("child.plain.test", NSD),
            ("lame.test", KNOT),
            ("split.test", KNOT),
            ("sub.split.test", KNOT),
            ("six.test", "::1"),
            ("tcp.test", TCP_ONLY),
            ("wild.test", NSD),
            // A server that doesn't have the zone.
            ("torn.test", NSD),
        ];
        for (zone, server) in stubs {
            resolver += &unbound::stub(zone, &[server], port);
            if server == TCP_ONLY {
                resolver += "  stub-tcp-upstream: yes\n";
            }
        }
        self.folder.write("resolver.conf", &resolver);
        let (zone, records) = ON_TCP_ONLY;
        self.write_zone("tcp-only", zone, records);
        let tcp_only = format!(
            "{}  do-udp: no\n  module-config: \"iterator\"\nauth-zone:\n  name: {zone}\n  zonefile: tcp-only-{zone}.zone\n  \
             for-downstream: yes\n  for-upstream: no\n",
            unbound::server(folder, TCP_ONLY, port)
        );
        self.folder.write("tcp-only.conf", &tcp_only);
    }
}

fn question<'q>(server: &str, name: &'q str, kind: RecordType) -> Question<'q> {
    Question {
        recursive: server == RESOLVER,
        ..Question::new(name, kind)
    }
}
