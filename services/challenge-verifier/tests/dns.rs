//! DNS against real name servers on loopback: a resolver with a cache, and the authoritative servers it leads to.

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

mod support;

use std::time::Duration;

use challenge_verifier::dns::{Dns, DnsProblem, LookupFailure, TxtSeen};
use challenge_verifier::{DnsServer, ProbeSettings};
use hickory_resolver::proto::op::ResponseCode;
use support::names::{EdnsManner, Servers, Zone};
use support::{SHORT, settings};

const RESOLVER: &str = "127.0.0.53";
const NS1: &str = "127.0.0.2";
const NS2: &str = "127.0.0.3";
const OTHER: &str = "127.0.0.4";
const NAME: &str = "_acme-challenge.www.example.test";

/// What the resolver knows: the servers of each zone, and a TXT record that is long out of date.
fn resolver() -> Zone {
    Zone::resolver()
        .ns("example.test", "ns1.example.test")
        .a("ns1.example.test", NS1)
        .ns("other.test", "ns.other.test")
        .a("ns.other.test", OTHER)
        .txt(NAME, &["stale"])
}

fn walking(servers: &Servers) -> ProbeSettings {
    ProbeSettings {
        dns_walk_resolver: DnsServer(Some(servers.at(RESOLVER))),
        dns_authoritative_port: servers.port,
        ..settings()
    }
}

/// What all servers that respond have.
#[derive(Debug, PartialEq)]
struct Found {
    texts: Vec<Vec<u8>>,
    alias: Option<String>,
    servers: String,
}

async fn txt(settings: &ProbeSettings, name: &str) -> Result<Found, LookupFailure> {
    let records = Dns::new(settings).unwrap().txt(name, None, |_| true).await?;
    let servers: Vec<String> = records.answers.iter().map(|answer| answer.server.clone()).collect();
    let TxtSeen::Texts(texts) = records.answers[0].seen.clone() else {
        panic!("{records:?}");
    };
    assert!(
        records
            .answers
            .iter()
            .all(|answer| answer.seen == records.answers[0].seen),
        "{records:?}"
    );
    Ok(Found {
        texts,
        alias: records.alias,
        servers: servers.join(", "),
    })
}

fn records(texts: &[&str], alias: Option<&str>, servers: &str) -> Found {
    Found {
        texts: texts.iter().map(|text| text.as_bytes().to_vec()).collect(),
        alias: alias.map(str::to_owned),
        servers: servers.to_owned(),
    }
}

fn problem(result: Result<Found, LookupFailure>) -> String {
    result.unwrap_err().problem.to_string()
}

#[tokio::test]
async fn the_resolvers_cache_does_not_count() {
    let fresh = Zone::new("example.test").txt(NAME, &["fresh"]);
    let servers = Servers::start([(RESOLVER, resolver()), (NS1, fresh)]).await;
    assert_eq!(
        txt(&walking(&servers), NAME).await,
        Ok(records(&["fresh"], None, "ns1.example.test"))
    );

    let fixed = ProbeSettings {
        dns_resolver: DnsServer(Some(servers.at(RESOLVER))),
        ..walking(&servers)
    };
    assert_eq!(
        txt(&fixed, NAME).await,
        Ok(records(&["stale"], None, &servers.at(RESOLVER)))
    );
}

#[tokio::test]
async fn a_cname_into_another_zone_is_asked_there() {
    let alias = Zone::new("example.test").cname(NAME, "www.validation.other.test");
    let target = Zone::new("other.test").txt("www.validation.other.test", &["one"]);
    let servers = Servers::start([(RESOLVER, resolver()), (NS1, alias), (OTHER, target)]).await;
    let expected = records(&["one"], Some("www.validation.other.test"), "ns.other.test");
    assert_eq!(txt(&walking(&servers), NAME).await, Ok(expected));
}

#[tokio::test]
async fn a_target_that_the_wrong_server_offers_is_not_believed() {
    // The server of example.test is queried for a name of its own and adds a record of a zone that isn't its own.
    let liar = Zone::new("test")
        .cname(NAME, "a.other.test")
        .txt("a.other.test", &["forged"]);
    let servers = Servers::start([(RESOLVER, resolver()), (NS1, liar), (OTHER, Zone::new("other.test"))]).await;
    let failure = txt(&walking(&servers), NAME).await.unwrap_err();
    assert_eq!(failure.alias.as_deref(), Some("a.other.test"));
    assert_eq!(failure.problem.to_string(), "no such name (NXDOMAIN) at ns.other.test");
}

#[tokio::test]
async fn a_delegated_challenge_name_is_followed_to_its_own_servers() {
    // The resolver still believes that there is no such zone.
    let parent = Zone::new("example.test").delegate(NAME, "ns.acme.example.test", NS2);
    let child = Zone::new(NAME).txt(NAME, &["from the child"]);
    let servers = Servers::start([(RESOLVER, resolver()), (NS1, parent), (NS2, child)]).await;
    assert_eq!(
        txt(&walking(&servers), NAME).await,
        Ok(records(&["from the child"], None, "ns.acme.example.test"))
    );
}

#[tokio::test]
async fn several_values_and_values_in_several_strings() {
    let zone = Zone::new("example.test")
        .txt(NAME, &["one"])
        .txt(NAME, &["t", "w", "o"]);
    let servers = Servers::start([(RESOLVER, resolver()), (NS1, zone)]).await;
    assert_eq!(
        txt(&walking(&servers), NAME).await,
        Ok(records(&["one", "two"], None, "ns1.example.test"))
    );
}

#[tokio::test]
async fn an_answer_too_large_for_udp_comes_by_tcp() {
    let long: Vec<String> = (0..40).map(|n| format!("{n}-{}", "x".repeat(80))).collect();
    let zone = long
        .iter()
        .fold(Zone::new("example.test"), |zone, text| zone.txt(NAME, &[text]));
    let servers = Servers::start([(RESOLVER, resolver()), (NS1, zone)]).await;
    let found = txt(&walking(&servers), NAME).await.unwrap();
    assert_eq!(
        found.texts,
        long.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>()
    );
}

/// As name servers do that take over a zone at the moment.
#[tokio::test]
async fn a_connection_that_the_server_closes_is_repeated_and_one_that_it_always_closes_is_told() {
    let long = |n| format!("{n}-{}", "x".repeat(80));
    let zone = (0..40).fold(Zone::new("example.test"), |zone, n| zone.txt(NAME, &[&long(n)]));
    let servers = |closed| {
        let zone = zone.clone().close_first(closed);
        Servers::start([(RESOLVER, resolver()), (NS1, zone)])
    };
    let once = |servers: &Servers| ProbeSettings {
        dns_attempts: 1,
        ..walking(servers)
    };
    let one_closed = servers(1).await;
    let found = txt(&once(&one_closed), NAME).await.unwrap();
    assert_eq!(found.texts.len(), 40);
    let one_closed = servers(1).await;
    let egress = Dns::new(&once(&one_closed)).unwrap().egress(NAME).await.unwrap();
    assert_eq!(egress.tcp, Ok("ns1.example.test".to_owned()), "what the doctor says");
    let all_closed = servers(usize::MAX).await;
    assert_eq!(
        problem(txt(&once(&all_closed), NAME).await),
        "ns1.example.test can't be reached (connection reset)"
    );
}

#[tokio::test]
async fn what_went_wrong_is_told_apart() {
    let zone = Zone::new("example.test")
        .txt("here.example.test", &["x"])
        .a("plain.example.test", "127.0.0.1")
        .fail("broken.example.test", ResponseCode::ServFail)
        .fail("closed.example.test", ResponseCode::Refused)
        .cname("circle.example.test", "circle2.example.test")
        .cname("circle2.example.test", "circle.example.test");
    let long = (0..20).fold(zone, |zone, n| {
        zone.cname(&format!("n{n}.example.test"), &format!("n{}.example.test", n + 1))
    });
    let servers = Servers::start([(RESOLVER, resolver()), (NS1, long)]).await;
    let settings = walking(&servers);
    for (name, expected) in [
        ("missing.example.test", "no such name (NXDOMAIN) at ns1.example.test"),
        ("plain.example.test", "no TXT record at ns1.example.test"),
        ("broken.example.test", "SERVFAIL from ns1.example.test"),
        ("closed.example.test", "REFUSED from ns1.example.test"),
        ("circle.example.test", "the CNAMEs form a loop at circle.example.test"),
        ("n0.example.test", "more than 8 CNAMEs"),
        ("a..b", "\"a..b\" is no domain name"),
    ] {
        assert_eq!(problem(txt(&settings, name).await), expected, "{name}");
    }
    let nowhere = problem(txt(&settings, "www.unheard.of").await);
    assert_eq!(nowhere, format!("no such name (NXDOMAIN) at {}", servers.at(RESOLVER)));
}

#[tokio::test]
async fn silence_ends_in_time_and_names_the_server() {
    let silent = Zone::new("example.test").silent("example.test");
    let servers = Servers::start([(RESOLVER, resolver()), (NS1, silent)]).await;
    let settings = ProbeSettings {
        dns_timeout: SHORT,
        dns_attempts: 3,
        ..walking(&servers)
    };
    assert_eq!(
        problem(txt(&settings, NAME).await),
        "no answer from ns1.example.test within 200 ms"
    );
    let attempts = servers
        .asked
        .lock()
        .unwrap()
        .iter()
        .filter(|line| line.starts_with(NS1))
        .count();
    assert_eq!(attempts, 3);
}

#[tokio::test]
async fn one_good_server_is_enough() {
    let two = resolver()
        .ns("example.test", "ns2.example.test")
        .a("ns2.example.test", NS2);
    let good = Zone::new("example.test").txt(NAME, &["fresh"]);
    for bad in [
        Zone::new("example.test").silent("example.test"),
        Zone::new("example.test").fail("example.test", ResponseCode::ServFail),
        Zone::new("elsewhere.test"),
        Zone::resolver().txt(NAME, &["a resolver's word is not authoritative"]),
    ] {
        let servers = Servers::start([(RESOLVER, two.clone()), (NS1, bad), (NS2, good.clone())]).await;
        let settings = ProbeSettings {
            dns_timeout: Duration::from_secs(1),
            ..walking(&servers)
        };
        assert_eq!(
            txt(&settings, NAME).await,
            Ok(records(&["fresh"], None, "ns2.example.test"))
        );
    }
}

#[tokio::test]
async fn a_lame_delegation_and_servers_without_addresses_are_named() {
    let lame = Servers::start([(RESOLVER, resolver()), (NS1, Zone::resolver())]).await;
    assert_eq!(
        problem(txt(&walking(&lame), NAME).await),
        "ns1.example.test doesn't serve the zone example.test (lame delegation)"
    );
    let gone = Zone::resolver().ns("example.test", "ns1.gone.test");
    let gone = Servers::start([(RESOLVER, gone)]).await;
    assert_eq!(
        problem(txt(&walking(&gone), NAME).await),
        "no usable address for the name servers of example.test (ns1.gone.test)"
    );
}

#[tokio::test]
async fn name_servers_at_private_addresses_are_not_asked() {
    let zone = Zone::new("example.test").txt(NAME, &["fresh"]);
    let servers = Servers::start([(RESOLVER, resolver()), (NS1, zone)]).await;
    let settings = ProbeSettings {
        allow_private_addresses: false,
        ..walking(&servers)
    };
    let failure = txt(&settings, NAME).await.unwrap_err();
    assert!(matches!(failure.problem, DnsProblem::NoServers { .. }), "{failure}");
    assert!(!servers.asked.lock().unwrap().iter().any(|line| line.starts_with(NS1)));
}

/// No real server can be configured to do these; each has been observed (RFC 6891 §6.2.2, RFC 2671 §5.3).
#[tokio::test]
async fn servers_that_do_not_know_edns_are_asked_in_plain_dns() {
    for edns in [
        EdnsManner::Fails(ResponseCode::FormErr),
        EdnsManner::Fails(ResponseCode::NotImp),
        EdnsManner::Fails(ResponseCode::ServFail),
        EdnsManner::Echoes(ResponseCode::FormErr),
        EdnsManner::Echoes(ResponseCode::ServFail),
        EdnsManner::Drops,
    ] {
        let mut zone = Zone::new("example.test").txt(NAME, &["old"]);
        zone.edns = edns;
        let servers = Servers::start([(RESOLVER, resolver()), (NS1, zone)]).await;
        let settings = ProbeSettings {
            dns_timeout: Duration::from_secs(1),
            dns_attempts: 2,
            ..walking(&servers)
        };
        let found = txt(&settings, NAME).await;
        assert_eq!(found, Ok(records(&["old"], None, "ns1.example.test")), "{edns:?}");
    }
}

#[tokio::test]
async fn a_fixed_server_needs_no_zones() {
    // Like pebble-challtestsrv: no NS, no useful SOA, and aliases with or without their target.
    let fixed = Zone::new(".")
        .txt("_acme-challenge.plain.test", &["one"])
        .cname("_acme-challenge.alias.test", "x.elsewhere.test")
        .txt("x.elsewhere.test", &["two"])
        .cname("_acme-challenge.dangling.test", "nowhere.test")
        .fail("broken.test", ResponseCode::ServFail);
    let servers = Servers::start([(RESOLVER, fixed)]).await;
    let server = servers.at(RESOLVER);
    let settings = ProbeSettings {
        dns_resolver: DnsServer(Some(server.clone())),
        ..settings()
    };
    assert_eq!(
        txt(&settings, "_acme-challenge.plain.test").await,
        Ok(records(&["one"], None, &server))
    );
    assert_eq!(
        txt(&settings, "_acme-challenge.alias.test").await,
        Ok(records(&["two"], Some("x.elsewhere.test"), &server))
    );
    let dangling = txt(&settings, "_acme-challenge.dangling.test").await.unwrap_err();
    assert_eq!(dangling.alias.as_deref(), Some("nowhere.test"));
    assert_eq!(
        problem(txt(&settings, "_acme-challenge.broken.test").await),
        format!("SERVFAIL from {server}")
    );
}
