//! Names and redirects that would lead the prober into a private network (docs/fuzzing.md). Real servers on loopback:
//! where private addresses are allowed, 127.0.0.1 represents a public address, and an address that is never allowed
//! represents a private one.

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

mod support;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use challenge_verifier::dns::Dns;
use challenge_verifier::http01::{Http01, HttpInPlace};
use challenge_verifier::{DnsServer, Expected, Glance, ProbeSettings, Prober};
use hickory_resolver::proto::op::Message;
use hickory_resolver::proto::rr::rdata::A;
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use pipeline::proof::Challenge;
use pipeline::turn::Turn;
use support::names::{Servers, Zone};
use support::web::{Web, ok, redirect, status};
use support::{dns01, http01, settings};
use time::OffsetDateTime;
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;
use uuid::Uuid;

const RESOLVER: &str = "127.0.0.53";
const DOMAIN: &str = "www.example.test";
const METADATA: &str = "169.254.169.254";

async fn check(settings: &ProbeSettings, domain: &str) -> Result<String, String> {
    let expected = pipeline::proof::Http01 {
        token: "tok".into(),
        key_authorization: "tok.thumb".into(),
    };
    let found = Http01::new(settings)
        .unwrap()
        .check(&Dns::new(settings).unwrap(), domain, &expected)
        .await;
    found
        .map(|seen| addresses(&seen))
        .map_err(|failure| failure.to_string())
}

fn addresses(seen: &HttpInPlace) -> String {
    let addresses: Vec<String> = seen.addresses.iter().map(ToString::to_string).collect();
    addresses.join(", ")
}

fn using(resolver: String, web: &Web, allow_private: bool) -> ProbeSettings {
    ProbeSettings {
        dns_resolver: DnsServer(Some(resolver)),
        http01_port: web.address.port(),
        http01_tls_port: web.address.port(),
        allow_private_addresses: allow_private,
        ..settings()
    }
}

/// A resolver whose answers change: the first query for an address gets the first answer, and so on; the last one
/// repeats.
struct Fickle {
    at: String,
    asked: Arc<Mutex<usize>>,
    _task: JoinSet<()>,
}

impl Fickle {
    async fn start(answers: Vec<Vec<&'static str>>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(0));
        let count = Arc::clone(&asked);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut buffer = [0; 1024];
            loop {
                let (length, client) = socket.recv_from(&mut buffer).await.unwrap();
                let query = Message::from_vec(&buffer[..length]).unwrap();
                let mut answer = Message::response(query.metadata.id, query.metadata.op_code);
                answer.add_query(query.queries[0].clone());
                if query.queries[0].query_type == RecordType::A {
                    let nth = {
                        let mut count = count.lock().unwrap();
                        *count += 1;
                        *count - 1
                    };
                    for address in &answers[nth.min(answers.len() - 1)] {
                        let data = RData::A(A(address.parse().unwrap()));
                        answer.add_answer(Record::from_rdata(query.queries[0].name.clone(), 0, data));
                    }
                }
                socket.send_to(&answer.to_vec().unwrap(), client).await.unwrap();
            }
        });
        Self { at, asked, _task: task }
    }

    fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

/// A server that must never be contacted, at the port that the prober uses.
async fn trap(address: &str, web: &Web) -> TcpListener {
    TcpListener::bind((address.parse::<Ipv4Addr>().unwrap(), web.address.port()))
        .await
        .unwrap()
}

async fn nobody_came(trap: &TcpListener) -> bool {
    tokio::select! {
        biased;
        _ = trap.accept() => false,
        // An established connection is in the listener's queue by now.
        () = std::future::ready(()) => true,
    }
}

#[tokio::test]
async fn a_name_that_changes_after_the_check_gains_nothing() {
    let web = Web::start(|_, _| ok("tok.thumb")).await;
    let inside = trap("127.0.0.2", &web).await;
    let names = Fickle::start(vec![vec!["127.0.0.1"], vec!["127.0.0.2"], vec![METADATA]]).await;
    let said = check(&using(names.at.clone(), &web, true), DOMAIN).await;
    assert_eq!(said, Ok("127.0.0.1".into()));
    assert_eq!(
        names.asked(),
        1,
        "the address that was checked is the one that is connected to"
    );
    assert!(nobody_came(&inside).await);
}

#[tokio::test]
async fn a_redirect_to_the_same_name_leads_to_the_address_that_was_checked() {
    let web = Web::start(|host, path| match path {
        "/there" => ok("tok.thumb"),
        _ => redirect(&format!("http://{host}/there")),
    })
    .await;
    let names = Fickle::start(vec![vec!["127.0.0.1"], vec![METADATA]]).await;
    let said = check(&using(names.at.clone(), &web, true), DOMAIN).await;
    assert_eq!(said, Ok("127.0.0.1".into()));
    assert_eq!((names.asked(), web.asked.lock().unwrap().len()), (1, 2));
}

#[tokio::test]
async fn a_redirect_to_another_name_is_checked() {
    let web = Web::start(|_, _| redirect("http://other.test/")).await;
    let names = Fickle::start(vec![vec!["127.0.0.1"], vec![METADATA]]).await;
    let said = check(&using(names.at.clone(), &web, true), DOMAIN).await.unwrap_err();
    assert!(
        said.starts_with("other.test has no public address (redirected to "),
        "{said}"
    );
    assert!(
        !said.contains(METADATA),
        "an internal name's address is not revealed: {said}"
    );
    assert_eq!((names.asked(), web.asked.lock().unwrap().len()), (2, 1));
}

#[tokio::test]
async fn among_mixed_addresses_only_a_public_one_is_connected_to() {
    for answer in [
        vec![METADATA, "127.0.0.1"],
        vec!["127.0.0.1", METADATA],
        vec!["0.0.0.0", "224.0.0.1", "127.0.0.1", "255.255.255.255"],
    ] {
        let web = Web::start(|_, _| ok("tok.thumb")).await;
        let names = Fickle::start(vec![answer.clone()]).await;
        let said = check(&using(names.at.clone(), &web, true), DOMAIN).await;
        assert_eq!(said, Ok("127.0.0.1".into()), "{answer:?}");
    }
}

#[tokio::test]
async fn a_name_with_private_addresses_alone_is_not_connected_to() {
    let web = Web::start(|_, _| ok("tok.thumb")).await;
    let names = Fickle::start(vec![vec!["127.0.0.1", METADATA, "10.0.0.1", "0.0.0.0", "100.64.0.1"]]).await;
    let said = check(&using(names.at.clone(), &web, false), DOMAIN).await;
    assert_eq!(said, Err("www.example.test has no public address".into()));
    assert!(web.asked.lock().unwrap().is_empty());
}

/// IPv6 names likewise, and the ways to embed an IPv4 address in an IPv6 one.
#[tokio::test]
async fn a_name_with_an_address_inside_an_address_is_not_connected_to() {
    let web = Web::start(|_, _| ok("tok.thumb")).await;
    for address in [
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b:1::127.0.0.1",
        "2002:7f00:1::1",
        "2001::80ff:fffe",
        "fd00:ec2::254",
        "fc00::1",
        "fe80::1",
        "ff02::1",
        "100::1",
        "2001:db8::1",
    ] {
        let names = Servers::start([(RESOLVER, Zone::new(".").aaaa(DOMAIN, address))]).await;
        let said = check(&using(names.at(RESOLVER), &web, false), DOMAIN).await;
        assert_eq!(said, Err("www.example.test has no public address".into()), "{address}");
    }
    assert!(web.asked.lock().unwrap().is_empty());
}

/// All notations of a redirect to loopback or to the metadata service: none is followed to an address, and a notation
/// that is a valid name is looked up in DNS only. `inet_aton`'s forms (RFC 6943 §3.1.1) and the system's resolver with
/// /etc/hosts are not used: the server at 127.0.0.1 never gets a request for /trap.
#[tokio::test]
async fn no_way_to_write_an_address_leads_to_it() {
    for authority in [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "127.0.1",
        "0",
        "0.0.0.0",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0x7f.1",
        "017700000001",
        "0177.0.0.1",
        "0177.0x0.0.1",
        "00000177.1",
        "%31%32%37.0.0.1",
        "127.0.0.1%00.example.test",
        "127%2e0%2e0%2e1",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "169.16689662",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:a9fe:a9fe]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[fd00:ec2::254]",
        "[fe80::1%25lo]",
        "[::1%lo]",
        "[v1.127]",
        "localhost",
        "LOCALHOST.",
        "ip6-localhost",
        "www.example.test@127.0.0.1",
        "user:pass@127.0.0.1",
        "www.example.test:80@127.0.0.1",
        "127.0.0.1:80",
        "[::1]:443",
        "user@[::1]:80",
        "private.test",
        "user@private.test",
        "metadata.test:443",
        "unspecified.test",
        "mapped.test",
        "alias.test",
    ] {
        for scheme in ["http:", "https:", ""] {
            let location = format!("{scheme}//{authority}/trap");
            let to = location.clone();
            let web = Web::start(move |host, path| match (host, path) {
                (DOMAIN, path) if path != "/trap" => redirect(&to),
                _ => status("404 Not Found"),
            })
            .await;
            let zone = Zone::new(".")
                .a(DOMAIN, "127.0.0.1")
                .a("private.test", METADATA)
                .a("metadata.test", METADATA)
                .a("unspecified.test", "0.0.0.0")
                .aaaa("mapped.test", "::ffff:127.0.0.1")
                .cname("alias.test", "metadata.test");
            let names = Servers::start([(RESOLVER, zone)]).await;
            let said = check(&using(names.at(RESOLVER), &web, true), DOMAIN).await.unwrap_err();
            let refused = [
                "a redirect that is not followed",
                "no such name (NXDOMAIN)",
                "has no public address",
                "is no domain name",
            ];
            assert!(refused.iter().any(|words| said.contains(words)), "{location}: {said}");
            assert!(
                !said.contains("pass@") && !said.contains(char::is_control),
                "{location}: {said}"
            );
            let asked = web.asked.lock().unwrap();
            assert!(
                asked.len() == 1 && !asked[0].ends_with("/trap"),
                "{location}: {asked:?}"
            );
        }
    }
}

#[tokio::test]
async fn other_ports_and_schemes_are_not_followed() {
    for location in [
        "http://other.test:22/",
        "http://other.test:0/",
        "http://other.test:6379/",
        "http://other.test:65536/",
        "http://other.test:/",
        "https://u:p@other.test:8443/",
        "ftp://other.test/",
        "file:///etc/passwd",
        "gopher://other.test:80/_x",
        "javascript:alert(1)",
        "data:text/plain,tok.thumb",
        "unix:/run/x.sock",
        "http:other.test",
        "http:///etc/passwd",
        "http://",
        "http:\\\\other.test\\",
        "http://other.test\\@127.0.0.1/",
    ] {
        let web = Web::start(move |host, _| {
            if host == DOMAIN {
                redirect(location)
            } else {
                ok("tok.thumb")
            }
        })
        .await;
        let zone = Zone::new(".").a(DOMAIN, "127.0.0.1").a("other.test", "127.0.0.1");
        let names = Servers::start([(RESOLVER, zone)]).await;
        let said = check(&using(names.at(RESOLVER), &web, true), DOMAIN).await.unwrap_err();
        assert!(said.contains("a redirect that is not followed"), "{location}: {said}");
        assert_eq!(web.asked.lock().unwrap().len(), 1, "{location}");
    }
}

/// A name server's address comes from outside as well: glue of a delegation is checked like any other address.
#[tokio::test]
async fn glue_into_somebodys_network_is_not_asked() {
    let inside = Zone::new("example.test").txt("www.example.test", &["x"]);
    let top = Zone::new("test").delegate("example.test", "ns.example.test", "127.0.0.3");
    let resolver = Zone::resolver().ns("test", "ns.test").a("ns.test", "127.0.0.2");
    let names = Servers::start([(RESOLVER, resolver), ("127.0.0.2", top), ("127.0.0.3", inside)]).await;
    let mut settings = ProbeSettings {
        dns_walk_resolver: DnsServer(Some(names.at(RESOLVER))),
        dns_authoritative_port: names.port,
        ..settings()
    };
    assert!(Dns::new(&settings).unwrap().txt(DOMAIN, None, |_| true).await.is_ok());
    settings.allow_private_addresses = false;
    names.asked.lock().unwrap().clear();
    let said = Dns::new(&settings)
        .unwrap()
        .txt(DOMAIN, None, |_| true)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        said.starts_with("no usable address for the name servers of test"),
        "{said}"
    );
    let asked = names.asked.lock().unwrap();
    let resolver: IpAddr = RESOLVER.parse().unwrap();
    assert!(
        asked.iter().all(|line| line.starts_with(&resolver.to_string())),
        "{asked:?}"
    );
}

/// A zone's owner could list thousands of addresses, and make the prober send queries to all of them.
#[tokio::test]
async fn a_server_with_many_addresses_is_asked_at_few() {
    let mut resolver = Zone::resolver().ns("test", "ns.test");
    for n in 10..60 {
        resolver = resolver.a("ns.test", &format!("127.0.1.{n}"));
    }
    let lame = Zone::new("elsewhere.test");
    let all: Vec<&'static str> = (10..60).map(|n| &*format!("127.0.1.{n}").leak()).collect();
    let names = Servers::start(all.iter().map(|&at| (at, lame.clone())).chain([(RESOLVER, resolver)])).await;
    let settings = ProbeSettings {
        dns_walk_resolver: DnsServer(Some(names.at(RESOLVER))),
        dns_authoritative_port: names.port,
        ..settings()
    };
    let said = Dns::new(&settings)
        .unwrap()
        .txt(DOMAIN, None, |_| true)
        .await
        .unwrap_err()
        .to_string();
    assert!(said.contains("REFUSED from ns.test"), "{said}");
    let asked = names.asked.lock().unwrap();
    let servers = asked.iter().filter(|line| line.starts_with("127.0.1.")).count();
    assert!((1..=4).contains(&servers), "{servers}");
}

/// Addresses that a look remembers for glances lie in the database meanwhile, and the setting may have changed.
#[tokio::test]
async fn a_remembered_address_is_checked_again() {
    let web = Web::start(|_, _| status("404 Not Found")).await;
    let resolver = Zone::resolver()
        .ns("example.test", "ns.example.test")
        .a("ns.example.test", "127.0.0.1")
        .a(DOMAIN, "127.0.0.1");
    let names = Servers::start([(RESOLVER, resolver), ("127.0.0.1", Zone::new("example.test"))]).await;
    let mut settings = ProbeSettings {
        dns_walk_resolver: DnsServer(Some(names.at(RESOLVER))),
        dns_authoritative_port: names.port,
        http01_port: web.address.port(),
        ..settings()
    };
    let expected = |challenge: Challenge| Expected {
        domain: DOMAIN.into(),
        challenges: [challenge].into_iter().collect(),
        caa: None,
    };
    for expected in [expected(dns01()), expected(http01())] {
        settings.allow_private_addresses = true;
        let prober = Prober::new(&settings).unwrap();
        let before = prober.probe(&expected, OffsetDateTime::now_utc()).await;
        // Nobody may connect to 0.0.0.0, which leads to this machine.
        let mut forged = before.clone();
        let memory = forged.memory.as_mut().unwrap();
        for addresses in memory.hosts.values_mut() {
            *addresses = vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED)];
        }
        for asked in memory.zones.values_mut() {
            asked.servers = vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED)];
        }
        settings.allow_private_addresses = false;
        let cautious = Prober::new(&settings).unwrap();
        let turn = glancing();
        for (prober, before, reached) in [
            (&prober, &before, true),
            (&prober, &forged, false),
            (&cautious, &before, false),
        ] {
            names.asked.lock().unwrap().clear();
            web.asked.lock().unwrap().clear();
            let glance = prober.glance(&expected, before, turn, OffsetDateTime::now_utc()).await;
            assert_eq!(glance == Glance::Same, reached, "{glance:?}");
            let (asked, got) = (names.asked.lock().unwrap().len(), web.asked.lock().unwrap().len());
            assert_eq!(asked + got, usize::from(reached), "{before:?}");
        }
    }
}

/// The turn of a look that is not whole, and resolves no name.
fn glancing() -> Turn {
    (1..1000)
        .map(|attempt| Turn::of(Uuid::nil(), attempt, Duration::ZERO))
        .find(|turn| !turn.is_whole() && !turn.resolves())
        .unwrap()
}
