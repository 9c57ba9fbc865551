//! All three methods at once, as the handler requests them and as the user sees them.

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

mod support;

use std::time::{Duration, Instant};

use challenge_verifier::{DnsServer, Expected, Look, Method, ProbeSettings, Prober};
use pipeline::caa::CaaExpected;
use support::names::{Servers, Zone};
use support::web::{Manner, Web, ok, redirect, status};
use support::{PATIENT, SHORT, dns01, http01, persist, settings};
use time::OffsetDateTime;

const RESOLVER: &str = "127.0.0.53";
const PERSIST: &str = "_validation-persist.www.example.test";
const DNS01: &str = "_acme-challenge.www.example.test";
const ACCOUNT: &str = "https://ca.test/acct/1";
const GOOD_PERSIST: &str = "ca.test; accounturi=https://ca.test/acct/1";

fn expected() -> Expected {
    Expected {
        domain: "www.example.test".into(),
        challenges: [persist(ACCOUNT), dns01(), http01()].into_iter().collect(),
        caa: None,
    }
}

fn zone() -> Zone {
    Zone::new(".").a("www.example.test", "127.0.0.1")
}

async fn probe(zone: Zone, manner: Manner, adapt: impl FnOnce(&mut ProbeSettings)) -> (Look, String) {
    let web = Web::start(move |_, _| manner.clone()).await;
    let names = Servers::start([(RESOLVER, zone)]).await;
    let mut settings = ProbeSettings {
        dns_resolver: DnsServer(Some(names.at(RESOLVER))),
        http01_port: web.address.port(),
        ..settings()
    };
    adapt(&mut settings);
    let prober = Prober::new(&settings).unwrap();
    let look = prober.probe(&expected(), OffsetDateTime::now_utc()).await;
    let summary = look.to_string().replace(&names.at(RESOLVER), "NS");
    (look, summary)
}

fn usual(_: &mut ProbeSettings) {}

#[tokio::test]
async fn nothing_yet() {
    let (look, summary) = probe(zone(), status("404 Not Found"), usual).await;
    assert_eq!(look.in_place, None);
    assert_eq!(
        summary,
        "nothing found yet: TXT _validation-persist.www.example.test: no such name (NXDOMAIN) at NS; TXT \
         _acme-challenge.www.example.test: no such name (NXDOMAIN) at NS; HTTP 404 from 127.0.0.1"
    );
}

#[tokio::test]
async fn any_one_way_is_enough() {
    let (look, summary) = probe(zone().txt(PERSIST, &[GOOD_PERSIST]), status("404 Not Found"), usual).await;
    assert_eq!(look.in_place, Some(Method::DnsPersist01));
    assert_eq!(
        summary,
        "dns-persist-01: TXT _validation-persist.www.example.test trusts https://ca.test/acct/1 (at NS)"
    );
    let (look, summary) = probe(
        zone().txt(DNS01, &["old"]).txt(DNS01, &["xyz"]),
        status("404 Not Found"),
        usual,
    )
    .await;
    assert_eq!(look.in_place, Some(Method::Dns01));
    assert_eq!(
        summary,
        "dns-01: TXT _acme-challenge.www.example.test is as expected (at NS)"
    );
    let (look, summary) = probe(zone(), ok("tok.thumb\n"), usual).await;
    assert_eq!(look.in_place, Some(Method::Http01));
    assert_eq!(summary, "http-01: HTTP 200 from 127.0.0.1 with the key authorization");
}

#[tokio::test]
async fn the_preferred_way_is_taken_when_several_are_in_place() {
    let both = zone().txt(PERSIST, &[GOOD_PERSIST]).txt(DNS01, &["xyz"]);
    let (look, _) = probe(both, ok("tok.thumb"), usual).await;
    assert_eq!(look.in_place, Some(Method::DnsPersist01));
}

#[tokio::test]
async fn what_is_there_but_wrong_is_told_first() {
    let wrong = zone()
        .txt(DNS01, &["abc"])
        .txt(DNS01, &["a\"\n"])
        .txt(DNS01, &["c"])
        .txt(DNS01, &["d"]);
    let (_, summary) = probe(wrong, status("404 Not Found"), usual).await;
    assert_eq!(
        summary,
        r#"TXT _acme-challenge.www.example.test is "abc", "a\"\n", "c", 1 more, expected "xyz" (at NS)"#
    );
    let other = zone().txt(PERSIST, &["ca.test; accounturi=https://ca.test/acct/9"]);
    let (_, summary) = probe(other, status("404 Not Found"), usual).await;
    assert_eq!(
        summary,
        "TXT _validation-persist.www.example.test trusts another account (https://ca.test/acct/9), expected \
         https://ca.test/acct/1 (at NS)"
    );
    let dangling = zone().cname(DNS01, "www.validation.test");
    let (_, summary) = probe(dangling, status("404 Not Found"), usual).await;
    assert_eq!(
        summary,
        "TXT _acme-challenge.www.example.test (CNAME to www.validation.test): no such name (NXDOMAIN) at NS"
    );
    let (_, summary) = probe(zone(), ok("tok.other-account"), usual).await;
    assert_eq!(
        summary,
        "HTTP 200 from 127.0.0.1 with \"tok.other-account\", expected \"tok.thumb\""
    );
}

#[tokio::test]
async fn a_slow_way_neither_hides_nor_delays_a_good_one() {
    let begun = Instant::now();
    let (look, _) = probe(zone().txt(PERSIST, &[GOOD_PERSIST]), Manner::Nothing, usual).await;
    assert_eq!(look.in_place, Some(Method::DnsPersist01));

    let (look, _) = probe(zone().silent(PERSIST).txt(DNS01, &["xyz"]), Manner::Nothing, usual).await;
    assert_eq!(look.in_place, Some(Method::Dns01));
    assert!(
        begun.elapsed() < PATIENT / 2,
        "neither waited for its slow ways' own limits"
    );
}

#[tokio::test]
async fn the_whole_probe_ends_in_time() {
    let silent = zone().silent(PERSIST).silent(DNS01);
    let begun = Instant::now();
    let (look, summary) = probe(silent, Manner::Nothing, |settings| settings.probe_timeout = SHORT).await;
    assert!(begun.elapsed() < PATIENT / 2);
    assert_eq!((look.in_place, look.ways.len()), (None, 3));
    assert_eq!(
        summary,
        "nothing found yet: TXT _validation-persist.www.example.test: no answer within 200 ms; TXT \
         _acme-challenge.www.example.test: no answer within 200 ms; http://www.example.test: no answer within 200 ms"
    );
}

#[tokio::test]
async fn only_what_the_order_offers_is_looked_at() {
    let names = Servers::start([(RESOLVER, zone())]).await;
    let settings = ProbeSettings {
        dns_resolver: DnsServer(Some(names.at(RESOLVER))),
        ..settings()
    };
    let only = Expected {
        challenges: [dns01()].into_iter().collect(),
        ..expected()
    };
    let look = Prober::new(&settings)
        .unwrap()
        .probe(&only, OffsetDateTime::now_utc())
        .await;
    assert_eq!(
        look.ways.iter().map(|seen| seen.method).collect::<Vec<_>>(),
        [Method::Dns01]
    );
}

/// What a resolver knows of a zone with two servers.
fn two_servers() -> Zone {
    Zone::resolver()
        .ns("example.test", "ns1.example.test")
        .ns("example.test", "ns2.example.test")
        .a("ns1.example.test", "127.0.0.2")
        .a("ns2.example.test", "127.0.0.3")
}

/// A zone with two servers, and the result for the user.
async fn at_two(first: Zone, second: Zone) -> (Option<Method>, String) {
    by_dns01([(RESOLVER, two_servers()), ("127.0.0.2", first), ("127.0.0.3", second)]).await
}

/// The result for the user at these name servers.
async fn by_dns01(zones: impl IntoIterator<Item = (&'static str, Zone)>) -> (Option<Method>, String) {
    let names = Servers::start(zones).await;
    let settings = ProbeSettings {
        dns_walk_resolver: DnsServer(Some(names.at(RESOLVER))),
        dns_authoritative_port: names.port,
        dns_timeout: Duration::from_secs(1),
        ..settings()
    };
    let only = Expected {
        challenges: [dns01()].into_iter().collect(),
        ..expected()
    };
    let prober = Prober::new(&settings).unwrap();
    let look = prober.probe(&only, OffsetDateTime::now_utc()).await;
    (look.in_place, look.to_string())
}

#[tokio::test]
async fn every_name_server_counts() {
    let new = || Zone::new("example.test").txt(DNS01, &["xyz"]);
    let record = "TXT _acme-challenge.www.example.test";
    for (second, text) in [
        (Zone::new("example.test"), "ns2.example.test (no such name)"),
        (
            Zone::new("example.test").txt(DNS01, &["abc"]),
            "ns2.example.test (it has \"abc\")",
        ),
        (
            Zone::new("example.test").cname(DNS01, "x.example.test"),
            "ns2.example.test (it has a CNAME to x.example.test)",
        ),
    ] {
        let expected = format!("{record} is as expected at 1 of 2 name servers; not yet at {text}");
        assert_eq!(at_two(new(), second).await, (None, expected));
    }
    // The reverse: which server leads nowhere, and which has the record.
    let expected =
        format!("{record} is as expected at 1 of 2 name servers; not yet at ns1.example.test (no such name)");
    assert_eq!(at_two(Zone::new("example.test"), new()).await, (None, expected));

    let expected = format!("dns-01: {record} is as expected (at all 2 name servers)");
    assert_eq!(at_two(new(), new()).await, (Some(Method::Dns01), expected));
    let expected = format!(
        "dns-01: {record} is as expected (at 1 of 2 name servers; left out: no answer from ns2.example.test within 1 s)"
    );
    let dead = Zone::new("example.test").silent("example.test");
    assert_eq!(at_two(new(), dead).await, (Some(Method::Dns01), expected));
}

/// A probe doesn't wait for a dead server beside one that doesn't have the record: probing for a missing record stays
/// cheap.
#[tokio::test]
async fn a_dead_name_server_delays_no_look_that_finds_nothing() {
    let dead = Zone::new("example.test").silent("example.test");
    let names = Servers::start([
        (RESOLVER, two_servers()),
        ("127.0.0.2", Zone::new("example.test")),
        ("127.0.0.3", dead),
    ])
    .await;
    let settings = ProbeSettings {
        dns_walk_resolver: DnsServer(Some(names.at(RESOLVER))),
        dns_authoritative_port: names.port,
        ..settings()
    };
    let only = Expected {
        challenges: [persist(ACCOUNT), dns01()].into_iter().collect(),
        ..expected()
    };
    let begun = Instant::now();
    let look = Prober::new(&settings)
        .unwrap()
        .probe(&only, OffsetDateTime::now_utc())
        .await;
    assert_eq!(look.in_place, None);
    assert!(begun.elapsed() < PATIENT / 2, "{:?}", begun.elapsed());
}

/// A look at a domain without records in a zone with two servers, with these answers of its web server: what the
/// resolver was asked.
async fn asked_of_the_resolver(answers: fn(&str, &str) -> Manner) -> Vec<String> {
    let web = Web::start(answers).await;
    let empty = || Zone::new("example.test");
    let resolver = two_servers().a("www.example.test", "127.0.0.1");
    let names = Servers::start([(RESOLVER, resolver), ("127.0.0.2", empty()), ("127.0.0.3", empty())]).await;
    let settings = ProbeSettings {
        dns_walk_resolver: DnsServer(Some(names.at(RESOLVER))),
        dns_authoritative_port: names.port,
        http01_port: web.address.port(),
        ..settings()
    };
    let with_caa = Expected {
        caa: Some(CaaExpected {
            identities: vec!["ca.test".into()],
            account_uri: ACCOUNT.into(),
            wildcard: false,
        }),
        ..expected()
    };
    let prober = Prober::new(&settings).unwrap();
    let look = prober.probe(&with_caa, OffsetDateTime::now_utc()).await;
    assert!(look.is_plain_absence() && look.ways.len() == 3, "{look}");
    let asked = names.asked.lock().unwrap();
    let at_the_resolver = asked.iter().filter_map(|line| line.strip_prefix(RESOLVER));
    let mut questions: Vec<String> = at_the_resolver.map(|question| question.trim().to_owned()).collect();
    questions.sort();
    questions
}

/// For both TXT records and CAA.
#[tokio::test]
async fn one_look_finds_the_zone_once() {
    let asked = asked_of_the_resolver(|_, _| status("404 Not Found")).await;
    assert_eq!(
        asked,
        [
            "example.test. NS",
            "ns1.example.test. A",
            "ns1.example.test. AAAA",
            "ns2.example.test. A",
            "ns2.example.test. AAAA",
            "test. CAA",
            "test. NS",
            "www.example.test. A",
            "www.example.test. AAAA",
            "www.example.test. NS",
        ]
    );
}

#[tokio::test]
async fn a_redirect_to_the_same_host_is_resolved_once() {
    let asked = asked_of_the_resolver(|_, path| match path {
        "/there" => status("404 Not Found"),
        _ => redirect("/there"),
    })
    .await;
    let addresses: Vec<&String> = asked
        .iter()
        .filter(|line| line.starts_with("www.example.test. A"))
        .collect();
    assert_eq!(addresses, ["www.example.test. A", "www.example.test. AAAA"]);
}

/// The domain's zone is found first, and its servers may know less of a zone below it than the resolver does.
#[tokio::test]
async fn a_challenge_name_that_is_a_zone_of_its_own_is_asked_at_its_own_servers() {
    let resolver = Zone::resolver()
        .ns("example.test", "ns1.example.test")
        .a("ns1.example.test", "127.0.0.2")
        .ns(DNS01, "ns.new.test")
        .a("ns.new.test", "127.0.0.3");
    let parent = Zone::new("example.test").delegate(DNS01, "ns.old.example.test", "127.0.0.4");
    let (_, summary) = by_dns01([
        (RESOLVER, resolver),
        ("127.0.0.2", parent),
        ("127.0.0.3", Zone::new(DNS01).txt(DNS01, &["xyz"])),
        ("127.0.0.4", Zone::new(DNS01)),
    ])
    .await;
    assert_eq!(
        summary,
        "dns-01: TXT _acme-challenge.www.example.test is as expected (at ns.new.test)"
    );
}

/// Who serves the zone below as well answers for it, and refers nobody to the others.
#[tokio::test]
async fn a_zone_below_whose_servers_are_partly_those_of_the_domain_is_asked_at_all_of_them() {
    let resolver = || {
        Zone::resolver()
            .ns("example.test", "ns1.example.test")
            .ns(DNS01, "ns1.example.test")
            .ns(DNS01, "ns2.example.test")
            .a("ns1.example.test", "127.0.0.2")
            .a("ns2.example.test", "127.0.0.3")
    };
    let both = || Zone::new("example.test").txt(DNS01, &["xyz"]);
    let record = "TXT _acme-challenge.www.example.test is as expected";
    let expected = format!("{record} at 1 of 2 name servers; not yet at ns2.example.test (no such name)");
    let lags = Zone::new(DNS01);
    let seen = by_dns01([(RESOLVER, resolver()), ("127.0.0.2", both()), ("127.0.0.3", lags)]).await;
    assert_eq!(seen, (None, expected));

    let expected = format!("dns-01: {record} (at all 2 name servers)");
    let has_it = Zone::new(DNS01).txt(DNS01, &["xyz"]);
    let seen = by_dns01([(RESOLVER, resolver()), ("127.0.0.2", both()), ("127.0.0.3", has_it)]).await;
    assert_eq!(seen, (Some(Method::Dns01), expected));
}
