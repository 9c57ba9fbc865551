//! A small zone, and clients that nobody else has.
#![allow(dead_code, reason = "each test program uses some of it")]

use std::net::IpAddr;
use std::sync::Arc;

use dns_responder::board::{Freshness, Live};
use dns_responder::cookie::Cookies;
use dns_responder::names::Names;
use dns_responder::rate_limit::Verdict;
use dns_responder::reply::{Circumstances, Reply, Transport, reply};
use dns_responder::zone::Zone;
use hickory_proto::op::{Edns, Message, Query};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::rr::{Name, RecordType};
use store::ServedName;

pub(crate) const APEX: &str = "acme.platform.example.";
/// As the broker makes them.
pub(crate) const TARGET: &str = "00ab11cd22ef33ab44cd55ef66ab77cd";
pub(crate) const VALUES: [&str; 2] = [
    "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0",
    "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA",
];
pub(crate) const SECRET: &str = "e5e973e5a6b2a43f48e7dc849e37bfcf";

pub(crate) fn zone() -> Zone {
    let servers = [
        "ns1.acme.platform.example=192.0.2.1",
        "ns1.acme.platform.example=2001:db8::1",
        "ns2.other.example",
        "ns3.deep.acme.platform.example=192.0.2.3",
    ];
    let servers: Vec<_> = servers.iter().map(|server| server.parse().unwrap()).collect();
    Zone::new(Name::from_ascii(APEX).unwrap(), &servers, 5).unwrap()
}

pub(crate) fn names() -> Names {
    let served = |name: &str, values: &[&str]| ServedName {
        name: name.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let many: Vec<String> = (0..30)
        .map(|number| format!("{}{number:02}", &VALUES[0][2..]))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let read = vec![
        served(TARGET, &VALUES),
        served("resting", &[]),
        served("many", &many),
        served("full", &many[..20]),
        served("of.inner", &VALUES[..1]),
    ];
    Names::new(read, 7)
}

/// A responder without sockets.
pub(crate) struct World {
    zone: Zone,
    live: Live,
    cookies: Cookies,
    transport: Transport,
    from: IpAddr,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            zone: zone(),
            live: Live {
                names: Arc::new(names()),
                freshness: Freshness::Current,
            },
            cookies: Cookies::new(SECRET).unwrap().unwrap(),
            transport: Transport::Udp,
            from: "192.0.2.77".parse().unwrap(),
        }
    }

    pub(crate) fn with_freshness(mut self, freshness: Freshness) -> Self {
        self.live.freshness = freshness;
        self
    }

    pub(crate) fn by(&self, transport: Transport) -> Self {
        let live = self.live.clone();
        Self {
            live,
            transport,
            ..Self::new()
        }
    }

    pub(crate) fn from(&self, address: &str) -> Self {
        let from = address.parse().unwrap();
        Self { from, ..Self::new() }
    }

    pub(crate) fn limited(&self, bytes: &[u8], verdict: Verdict) -> Reply {
        let about = Circumstances {
            zone: &self.zone,
            live: &self.live,
            cookies: Some(&self.cookies),
            transport: self.transport,
            from: self.from,
            now: 1_559_731_985,
        };
        reply(bytes, &about, |_| verdict)
    }

    pub(crate) fn reply(&self, bytes: &[u8]) -> Reply {
        self.limited(bytes, Verdict::Send)
    }

    pub(crate) fn ask(&self, question: &Message) -> Message {
        let reply = self.reply(&question.to_vec().unwrap());
        let answer = Message::from_vec(reply.bytes().unwrap()).unwrap();
        assert_eq!(answer.metadata.id, question.metadata.id);
        answer
    }
}

pub(crate) fn with_cookie(name: &str, cookie: &[u8]) -> Vec<u8> {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), RecordType::TXT));
    let mut edns = Edns::new();
    edns.options_mut().insert(EdnsOption::Unknown(10, cookie.to_vec()));
    message.set_edns(edns);
    message.to_vec().unwrap()
}

pub(crate) fn cookie_of(answer: &Message) -> Option<Vec<u8>> {
    match answer.edns.as_ref()?.option(EdnsCode::Cookie)? {
        EdnsOption::Unknown(_, cookie) => Some(cookie.clone()),
        _ => None,
    }
}
