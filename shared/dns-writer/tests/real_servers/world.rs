//! The servers, their zones and keys: started once, shared by all tests.

use std::net::SocketAddr;
use std::process::Child;
use std::sync::LazyLock;

use dns_servers::client::Question;
use dns_servers::{Folder, free_port, wait_for, zone_file};
use hickory_proto::rr::RecordType;

use crate::{bind, knot, nsd};

/// Configured as in docs/operators/delegation.md.
pub(crate) const ZONE: &str = "acme.platform.example";
/// A zone above the delegation zone [`IN_PARENT`]. [`BROKER`] and [`OTHERS`] may write there.
pub(crate) const PARENT: &str = "broker.example";
pub(crate) const IN_PARENT: &str = "acme.broker.example";
/// Knot's alone, for a test that holds it.
pub(crate) const HELD: &str = "held.example";
/// Served, and nobody may change it.
pub(crate) const READ_ONLY: &str = "readonly.example";

pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) algorithm: &'static str,
    pub(crate) secret: &'static str,
}

pub(crate) const BROKER: Key = Key {
    name: "cdn-broker",
    algorithm: "hmac-sha256",
    secret: "f88B11OLNcEkhqBFNIleFCaTAQwJ8zLrvHsl996OMsE=",
};

/// Keys of the other algorithms.
pub(crate) const OTHERS: [Key; 2] = [
    Key {
        name: "with-384",
        algorithm: "hmac-sha384",
        secret: "bm90IGEgc2VjcmV0LCBmb3IgdGVzdHMgb25seSwgd2l0aCA0OCBieXRlcyBhcyBTSEEzODQ=",
    },
    Key {
        name: "with-512",
        algorithm: "hmac-sha512",
        secret: "bm90IGEgc2VjcmV0LCBmb3IgdGVzdHMgb25seSwgd2l0aCA2NCBieXRlcyBhcyBTSEEtNTEyIGhhcw==",
    },
];

/// Known to the servers, with no rights.
pub(crate) const STRANGER: Key = Key {
    name: "stranger",
    algorithm: "hmac-sha256",
    secret: "eXld/bK6OZPxsFcFp5llkG6YrfrN8CWF9HdoAkzY7Ys=",
};

/// A primary server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Primary {
    Bind,
    Knot,
}

pub(crate) const BOTH: [Primary; 2] = [Primary::Bind, Primary::Knot];

pub(crate) struct World {
    pub(crate) folder: Folder,
    port: u16,
    _servers: Vec<Child>,
}

/// Shared by all tests; its processes end with this one.
pub(crate) fn world() -> &'static World {
    static WORLD: LazyLock<World> = LazyLock::new(|| dns_servers::start(World::start));
    &WORLD
}

impl World {
    fn start() -> Self {
        let port = free_port(&[bind::AT, knot::AT, nsd::AT]);
        let folder = Folder::new("dns-writer-");
        let _servers = vec![
            bind::start(&folder, port),
            knot::start(&folder, port),
            nsd::start(&folder, port),
        ];
        let world = Self { folder, port, _servers };
        for server in [bind::AT, knot::AT] {
            for zone in [ZONE, PARENT, READ_ONLY] {
                world.wait_for_zone(server, zone);
            }
        }
        world.wait_for_zone(knot::AT, HELD);
        world.wait_for_zone(nsd::AT, ZONE);
        world
    }

    pub(crate) fn address(&self, server: Primary) -> SocketAddr {
        self.at(match server {
            Primary::Bind => bind::AT,
            Primary::Knot => knot::AT,
        })
    }

    pub(crate) fn secondary(&self) -> SocketAddr {
        self.at(nsd::AT)
    }

    fn at(&self, address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap(), self.port)
    }

    fn wait_for_zone(&self, server: &str, zone: &str) {
        wait_for(self.at(server), Question::new(zone, RecordType::SOA), &self.folder);
    }
}

/// The files of the zones, in a folder of the server's own.
pub(crate) fn write_zones(folder: &Folder, server: &str) {
    for zone in [ZONE, PARENT, READ_ONLY, HELD] {
        let text = zone_file(zone, "@ NS ns\nns A 127.0.0.1\nwww TXT \"not the broker's\"");
        folder.write(&format!("{server}/{zone}.zone"), &text);
    }
}

/// The block of configuration for this server in docs/operators/delegation.md, with its placeholders filled in.
pub(crate) fn documented(language: &str, installed: &str, folder: &Folder, server: &str) -> String {
    let docs = include_str!("../../../../docs/operators/delegation.md");
    let (_, rest) = docs.split_once(&format!("```{language}\n")).unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    assert!(block.contains("<secret>") && block.contains(installed), "{block}");
    let here = folder.path().join(server);
    block
        .replace("<secret>", BROKER.secret)
        .replace(installed, here.to_str().unwrap())
}
