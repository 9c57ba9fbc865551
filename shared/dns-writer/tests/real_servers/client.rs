//! The writer as a service opens it, and what anybody sees at a server.

use std::collections::BTreeSet;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use dns_writer::{DelegationArgs, DnsWriter, TxtChange};
use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};

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
    let answer = ask(server, name, RecordType::TXT).unwrap();
    let value = |data: &RData| match data {
        RData::TXT(text) => Some(String::from_utf8(text.txt_data.concat()).unwrap()),
        _ => None,
    };
    answer.answers.iter().filter_map(|record| value(&record.data)).collect()
}

pub(crate) fn has_zone(server: SocketAddr, zone: &str) -> bool {
    let answer = ask(server, zone, RecordType::SOA);
    answer.is_ok_and(|answer| answer.metadata.response_code == ResponseCode::NoError && !answer.answers.is_empty())
}

/// A set of values, to compare with.
pub(crate) fn set(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|&value| value.to_owned()).collect()
}

fn ask(server: SocketAddr, name: &str, kind: RecordType) -> io::Result<Message> {
    let mut query = Message::query();
    query.metadata.recursion_desired = false;
    query.add_query(Query::query(Name::from_ascii(format!("{name}.")).unwrap(), kind));
    let bytes = query.to_vec().unwrap();
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(&[&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes.as_slice()].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut bytes)?;
    Message::from_vec(&bytes).map_err(io::Error::other)
}
