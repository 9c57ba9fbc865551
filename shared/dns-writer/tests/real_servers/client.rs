//! The writer as a service opens it, and what anybody sees at a server.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use clap::Parser;
use dns_servers::client::{Question, closed_the_connection, texts};
use dns_writer::{DelegationArgs, DnsWriter, TxtChange};
use hickory_proto::rr::RecordType;

use crate::world::{BROKER, Key, Primary, ZONE, world};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    delegation: DelegationArgs,
}

/// Settings of the writer.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) server: String,
    pub(crate) zone: String,
    pub(crate) in_zone: String,
    pub(crate) key: String,
    pub(crate) algorithm: String,
    pub(crate) secret: String,
}

impl Settings {
    pub(crate) fn of(server: Primary) -> Self {
        Self::at(world().address(server))
    }

    pub(crate) fn at(address: SocketAddr) -> Self {
        let settings = Self {
            server: address.to_string(),
            zone: ZONE.to_owned(),
            in_zone: String::new(),
            key: String::new(),
            algorithm: String::new(),
            secret: String::new(),
        };
        settings.with_key(&BROKER)
    }

    pub(crate) fn with_key(self, key: &Key) -> Self {
        Self {
            key: key.name.to_owned(),
            algorithm: key.algorithm.to_owned(),
            secret: key.secret.to_owned(),
            ..self
        }
    }

    pub(crate) async fn open(&self) -> Arc<dyn DnsWriter> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &self.secret).unwrap();
        let line = [
            "test".to_owned(),
            format!("--delegation-zone={}", self.zone),
            format!("--rfc2136-server={}", self.server),
            format!("--rfc2136-zone={}", self.in_zone),
            format!("--rfc2136-key-name={}", self.key),
            format!("--rfc2136-key-algorithm={}", self.algorithm),
            format!("--rfc2136-key-file={}", file.path().display()),
        ];
        let delegation = Line::try_parse_from(line).unwrap().delegation.delegation().await;
        delegation.unwrap().unwrap().writer
    }
}

/// A change that adds these values.
pub(crate) fn adds(name: &str, values: &[&str]) -> TxtChange {
    TxtChange {
        name: name.to_owned(),
        add: values.iter().map(|&value| value.to_owned()).collect(),
        ..TxtChange::default()
    }
}

/// A change that removes these values.
pub(crate) fn removes(name: &str, values: &[&str]) -> TxtChange {
    TxtChange {
        add: vec![],
        remove: adds(name, values).add,
        ..adds(name, &[])
    }
}

/// The TXT values that the server has at the name.
pub(crate) fn values(server: SocketAddr, name: &str) -> BTreeSet<String> {
    texts(&Question::new(name, RecordType::TXT).by_tcp(server).unwrap())
}

/// The same, from a server that is taking over the zone at the moment: `None` if it closed the connection instead.
pub(crate) fn values_if_answered(server: SocketAddr, name: &str) -> Option<BTreeSet<String>> {
    match Question::new(name, RecordType::TXT).by_tcp(server) {
        Err(error) if closed_the_connection(&error) => None,
        answer => Some(texts(&answer.unwrap())),
    }
}

/// A set of values, to compare with.
pub(crate) fn set(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|&value| value.to_owned()).collect()
}
