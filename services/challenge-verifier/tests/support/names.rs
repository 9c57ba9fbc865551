//! Name servers: UDP and TCP on the same port of several 127.x addresses.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use hickory_resolver::proto::op::{Message, Metadata, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CAA, CNAME, NS, SOA, TXT};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

/// The data and behaviour of one server.
#[derive(Clone)]
pub struct Zone {
    apex: Name,
    /// Gives authoritative answers; a resolver doesn't.
    authoritative: bool,
    records: HashMap<(Name, RecordType), Vec<RData>>,
    delegations: Vec<(Name, Vec<(Name, RData)>)>,
    /// Names below which it returns an error, or (`None`) doesn't respond; for one type, or any.
    broken: Vec<(Name, Option<RecordType>, Option<ResponseCode>)>,
    /// How many of its first connections by TCP it closes.
    closed: usize,
    /// How it handles EDNS.
    pub edns: EdnsManner,
}

/// How a server handles a query with an OPT record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EdnsManner {
    Answers,
    /// An error, without an OPT record.
    Fails(ResponseCode),
    /// An error, with the query's own OPT record.
    Echoes(ResponseCode),
    Drops,
}

pub fn name(text: &str) -> Name {
    let mut name = Name::from_ascii(text).unwrap();
    name.set_fqdn(true);
    name
}

impl Zone {
    pub fn new(apex: &str) -> Self {
        Self {
            apex: name(apex),
            authoritative: true,
            records: HashMap::new(),
            delegations: Vec::new(),
            broken: Vec::new(),
            closed: 0,
            edns: EdnsManner::Answers,
        }
    }

    /// A resolver with these records in its cache.
    pub fn resolver() -> Self {
        Self {
            authoritative: false,
            ..Self::new(".")
        }
    }

    fn with(mut self, owner: &str, data: RData) -> Self {
        self.records
            .entry((name(owner), data.record_type()))
            .or_default()
            .push(data);
        self
    }

    pub fn txt(self, owner: &str, strings: &[&str]) -> Self {
        let strings = strings.iter().map(|&string| string.to_owned()).collect();
        self.with(owner, RData::TXT(TXT::new(strings)))
    }

    /// Several may exist at one name. Flag 128 is the critical one.
    pub fn caa(self, owner: &str, flags: u8, tag: &str, value: &str) -> Self {
        let mut caa = CAA::new_issue(flags & 128 != 0, None, Vec::new());
        caa.reserved_flags = flags & 127;
        caa.tag = tag.to_owned();
        caa.value = value.as_bytes().to_vec();
        self.with(owner, RData::CAA(caa))
    }

    pub fn cname(self, owner: &str, target: &str) -> Self {
        self.with(owner, RData::CNAME(CNAME(name(target))))
    }

    pub fn a(self, owner: &str, address: &str) -> Self {
        self.with(owner, RData::A(A(address.parse().unwrap())))
    }

    pub fn aaaa(self, owner: &str, address: &str) -> Self {
        self.with(owner, RData::AAAA(AAAA(address.parse().unwrap())))
    }

    pub fn ns(self, owner: &str, server: &str) -> Self {
        self.with(owner, RData::NS(NS(name(server))))
    }

    /// A zone below this one, with glue.
    pub fn delegate(mut self, zone: &str, server: &str, address: &str) -> Self {
        let glue = (name(server), RData::A(A(address.parse().unwrap())));
        self.delegations.push((name(zone), vec![glue]));
        self
    }

    pub fn fail(mut self, below: &str, code: ResponseCode) -> Self {
        self.broken.push((name(below), None, Some(code)));
        self
    }

    /// `code` is `None` for no response.
    pub fn fail_type(mut self, below: &str, kind: RecordType, code: Option<ResponseCode>) -> Self {
        self.broken.push((name(below), Some(kind), code));
        self
    }

    /// Closes its first connections by TCP without an answer.
    pub fn close_first(mut self, connections: usize) -> Self {
        self.closed = connections;
        self
    }

    pub fn silent(mut self, below: &str) -> Self {
        self.broken.push((name(below), None, None));
        self
    }

    fn answer(&self, query: &Message) -> Option<Message> {
        let question = &query.queries[0];
        let (owner, kind) = (&question.name, question.query_type);
        let mut answer = Message::response(query.metadata.id, query.metadata.op_code);
        answer.metadata = Metadata::response_from_request(&query.metadata);
        answer.metadata.authoritative = self.authoritative;
        answer.add_query(question.clone());
        if query.edns.is_some() {
            match self.edns {
                EdnsManner::Answers => {}
                EdnsManner::Drops => return None,
                EdnsManner::Fails(code) => {
                    answer.metadata.response_code = code;
                    return Some(answer);
                }
                EdnsManner::Echoes(code) => {
                    answer.edns = query.edns.clone();
                    answer.metadata.response_code = code;
                    return Some(answer);
                }
            }
        }
        answer.edns = query.edns.clone();
        let broken = |(below, of, _): &&(Name, Option<RecordType>, _)| {
            below.zone_of(owner) && of.is_none_or(|broken| broken == kind)
        };
        if let Some((.., code)) = self.broken.iter().find(broken) {
            answer.metadata.response_code = (*code)?;
            return Some(answer);
        }
        if !self.apex.zone_of(owner) {
            answer.metadata.authoritative = false;
            answer.metadata.response_code = ResponseCode::Refused;
            return Some(answer);
        }
        if let Some((zone, servers)) = self.delegations.iter().find(|(zone, _)| zone.zone_of(owner)) {
            answer.metadata.authoritative = false;
            for (server, address) in servers {
                answer.add_authority(Record::from_rdata(zone.clone(), 60, RData::NS(NS(server.clone()))));
                answer.add_additional(Record::from_rdata(server.clone(), 60, address.clone()));
            }
            return Some(answer);
        }
        self.fill(&mut answer, owner.clone(), kind);
        Some(answer)
    }

    fn fill(&self, answer: &mut Message, mut owner: Name, kind: RecordType) {
        loop {
            if let Some(found) = self.records.get(&(owner.clone(), kind)) {
                answer.add_answers(
                    found
                        .iter()
                        .map(|data| Record::from_rdata(owner.clone(), 60, data.clone())),
                );
                return;
            }
            let Some(alias) = self.records.get(&(owner.clone(), RecordType::CNAME)) else {
                break;
            };
            let RData::CNAME(CNAME(target)) = &alias[0] else { break };
            answer.add_answer(Record::from_rdata(owner.clone(), 60, alias[0].clone()));
            if answer.answers.len() > 20 || !self.apex.zone_of(target) {
                return;
            }
            owner = target.clone();
        }
        if !self.records.keys().any(|(known, _)| owner.zone_of(known)) {
            answer.metadata.response_code = ResponseCode::NXDomain;
        }
        let soa = SOA::new(self.apex.clone(), self.apex.clone(), 1, 60, 60, 60, 60);
        answer.add_authority(Record::from_rdata(self.apex.clone(), 60, RData::SOA(soa)));
    }
}

/// Running name servers; dropping this stops them.
pub struct Servers {
    pub port: u16,
    /// Every query, as `<address> <name> <type>`.
    pub asked: Arc<Mutex<Vec<String>>>,
    tasks: JoinSet<()>,
}

impl Servers {
    /// Starts a server at each address, all on one free port.
    pub async fn start(zones: impl IntoIterator<Item = (&'static str, Zone)>) -> Self {
        let zones: Vec<_> = zones.into_iter().collect();
        for _ in 0..50 {
            let probe = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let port = probe.local_addr().unwrap().port();
            drop(probe);
            let mut bound = Vec::new();
            for (address, zone) in &zones {
                let address: SocketAddr = format!("{address}:{port}").parse().unwrap();
                match (UdpSocket::bind(address).await, TcpListener::bind(address).await) {
                    (Ok(udp), Ok(tcp)) => bound.push((udp, tcp, zone.clone())),
                    _ => break,
                }
            }
            if bound.len() == zones.len() {
                let mut servers = Self {
                    port,
                    asked: Arc::default(),
                    tasks: JoinSet::new(),
                };
                for (udp, tcp, zone) in bound {
                    servers
                        .tasks
                        .spawn(by_udp(udp, zone.clone(), Arc::clone(&servers.asked)));
                    servers.tasks.spawn(by_tcp(tcp, zone));
                }
                return servers;
            }
        }
        panic!("no port is free on all of the addresses");
    }

    pub fn at(&self, address: &str) -> String {
        format!("{address}:{}", self.port)
    }
}

async fn by_udp(socket: UdpSocket, zone: Zone, asked: Arc<Mutex<Vec<String>>>) {
    let own = socket.local_addr().unwrap().ip();
    let mut buffer = [0; 4096];
    loop {
        // A client that has disconnected causes an error here.
        let Ok((length, client)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        let Ok(query) = Message::from_vec(&buffer[..length]) else {
            continue;
        };
        let question = &query.queries[0];
        asked
            .lock()
            .unwrap()
            .push(format!("{own} {} {}", question.name, question.query_type));
        let Some(answer) = zone.answer(&query) else { continue };
        let mut bytes = answer.to_vec().unwrap();
        if bytes.len() > usize::from(query.max_payload()) {
            bytes = answer.truncate().to_vec().unwrap();
        }
        let _gone = socket.send_to(&bytes, client).await;
    }
}

async fn by_tcp(listener: TcpListener, zone: Zone) {
    for connection in 0.. {
        let (mut stream, _) = listener.accept().await.unwrap();
        if connection < zone.closed {
            // Bytes that were not read make it a reset.
            stream.readable().await.unwrap();
            continue;
        }
        let length = stream.read_u16().await.unwrap();
        let mut buffer = vec![0; usize::from(length)];
        stream.read_exact(&mut buffer).await.unwrap();
        let query = Message::from_vec(&buffer).unwrap();
        if let Some(answer) = zone.answer(&query) {
            let bytes = answer.to_vec().unwrap();
            stream.write_u16(u16::try_from(bytes.len()).unwrap()).await.unwrap();
            stream.write_all(&bytes).await.unwrap();
        }
    }
}
