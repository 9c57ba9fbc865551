//! The DNS methods against real servers (`world`): Knot DNS, NSD and Unbound, with real DNSSEC. Behaviour that no real
//! server can be configured to show (EDNS answered with NOTIMP, silence) is tested in `tests/dns.rs`, with small
//! servers of its own.

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

#[path = "../support/mod.rs"]
mod support;
mod world;

use std::time::Duration;

use challenge_verifier::dns::Dns;
use challenge_verifier::{DnsServer, Expected, Glance, Look, Method, ProbeSettings, Prober};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RecordType;
use pipeline::proof::{Challenge, DelegatedDns01};
use pipeline::turn::Turn;
use time::OffsetDateTime;
use uuid::Uuid;
use world::{KNOT, NSD, RESOLVER, world};

async fn probe_with(settings: &ProbeSettings, domain: &str) -> Look {
    probe_for(settings, domain, support::dns01()).await
}

async fn probe_for(settings: &ProbeSettings, domain: &str, challenge: Challenge) -> Look {
    let prober = Prober::new(settings).unwrap();
    prober.probe(&only(domain, challenge), OffsetDateTime::now_utc()).await
}

fn only(domain: &str, challenge: Challenge) -> Expected {
    Expected {
        domain: domain.to_owned(),
        challenges: [challenge].into_iter().collect(),
        caa: None,
    }
}

async fn probe(domain: &str) -> Look {
    probe_with(&world().settings(), domain).await
}

async fn in_place(domain: &str) -> String {
    let look = probe(domain).await;
    assert_eq!(look.in_place, Some(Method::Dns01), "{look}");
    look.to_string()
}

async fn not_in_place(domain: &str) -> String {
    let look = probe(domain).await;
    assert_eq!(look.in_place, None, "{look}");
    look.to_string()
}

#[tokio::test]
async fn a_record_that_the_secondary_lacks_is_waited_for() {
    let world = world();
    let name = "_acme-challenge.lag.good.test";
    assert_eq!(
        not_in_place("lag.good.test").await,
        "nothing found yet: TXT _acme-challenge.lag.good.test: no such name (NXDOMAIN) at ns1.good.test, ns2.good.test"
    );
    world.add("good.test", "_acme-challenge.lag", "TXT xyz");
    assert_eq!(
        not_in_place("lag.good.test").await,
        "TXT _acme-challenge.lag.good.test is as expected at 1 of 2 name servers; not yet at ns2.good.test (no such name)"
    );
    // As after a query by another client of the resolver: it doesn't know the record yet, which delays nothing.
    world.transfer("good.test", name);
    assert_eq!(
        in_place("lag.good.test").await,
        "dns-01: TXT _acme-challenge.lag.good.test is as expected (at all 2 name servers)"
    );
}

/// Of two glances, which ask one server each, so many see a change.
async fn changes(before: &Look, domain: &str) -> usize {
    let prober = Prober::new(&world().settings()).unwrap();
    let expected = only(domain, support::dns01());
    let turn = |attempt| Turn::of(Uuid::nil(), attempt, Duration::ZERO);
    let two = (1..1000)
        .map(|first| [turn(first), turn(first + 1)])
        .find(|turns| turns.iter().all(|turn| !turn.is_whole()))
        .unwrap();
    let mut changes = 0;
    for turn in two {
        let glance = prober.glance(&expected, before, turn, OffsetDateTime::now_utc()).await;
        changes += usize::from(glance != Glance::Same);
    }
    changes
}

#[tokio::test]
async fn a_glance_sees_the_primary_and_then_all_are_asked() {
    let world = world();
    let (domain, name) = ("www.pair.test", "_acme-challenge.www.pair.test");
    let before = probe(domain).await;
    assert_eq!(changes(&before, domain).await, 0);
    world.add("pair.test", "_acme-challenge.www", "TXT xyz");
    assert_eq!(changes(&before, domain).await, 1);
    assert_eq!(
        not_in_place(domain).await,
        "TXT _acme-challenge.www.pair.test is as expected at 1 of 2 name servers; not yet at ns2.pair.test (no such name)"
    );
    world.transfer("pair.test", name);
    assert_eq!(changes(&before, domain).await, 2);
    in_place(domain).await;
}

#[tokio::test]
async fn a_resolver_that_remembers_that_there_was_no_record_holds_nothing_up() {
    let world = world();
    let name = "_acme-challenge.stale.plain.test";
    let nothing = Some((ResponseCode::NXDomain, 0));
    assert_eq!(world.ask(RESOLVER, &format!("{name}."), RecordType::TXT), nothing);
    world.add("plain.test", "_acme-challenge.stale", "TXT xyz");
    in_place("stale.plain.test").await;
}

#[tokio::test]
async fn a_zone_whose_signatures_do_not_fit_is_not_in_place_and_says_what_to_check() {
    for domain in ["www.bogus.test", "www.unsigned.test"] {
        let text = not_in_place(domain).await;
        let seen = format!("TXT _acme-challenge.{domain} is as expected (at ns.");
        let resolver = format!(
            "), but SERVFAIL from {RESOLVER}:{}, because the zone's DNSSEC is broken (",
            world().port
        );
        assert!(text.starts_with(&seen) && text.contains(&resolver), "{text}");
        assert!(text.contains("compare the DS record at your registrar"), "{text}");
    }
    let unchecked = ProbeSettings {
        resolver_check: false,
        ..world().settings()
    };
    let look = probe_with(&unchecked, "www.bogus.test").await;
    assert_eq!(look.in_place, Some(Method::Dns01), "{look}");
}

#[tokio::test]
async fn a_zone_whose_servers_the_resolver_cannot_find_is_not_in_place() {
    let text = not_in_place("www.torn.test").await;
    assert!(text.contains("whether DNSSEC is checked or not"), "{text}");
    assert!(text.contains("compare the name servers at your registrar"), "{text}");
}

#[tokio::test]
async fn a_web_server_in_a_zone_with_broken_dnssec_is_told_as_such() {
    let dns = Dns::new(&world().settings()).unwrap();
    let text = dns.addresses("ns.bogus.test").await.unwrap_err().to_string();
    assert!(text.contains("because the zone's DNSSEC is broken"), "{text}");
    assert_eq!(dns.addresses("ns1.good.test").await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_resolver_says_whether_it_validates() {
    let settings = world().settings();
    let (_, validates) = Dns::new(&settings).unwrap().resolver_validates("test").await.unwrap();
    assert!(validates);
    let nobody = ProbeSettings {
        dns_walk_resolver: DnsServer(Some(format!("{KNOT}:{}", world().port))),
        ..settings
    };
    let (_, validates) = Dns::new(&nobody).unwrap().resolver_validates("test").await.unwrap();
    assert!(!validates);
}

#[tokio::test]
async fn a_delegated_zone_is_asked_at_its_own_servers() {
    assert_eq!(
        in_place("www.child.plain.test").await,
        "dns-01: TXT _acme-challenge.www.child.plain.test is as expected (at ns.child.plain.test)"
    );
}

#[tokio::test]
async fn servers_that_do_not_serve_the_zone_or_are_gone_are_left_out_and_named() {
    let text = in_place("www.lame.test").await;
    assert_eq!(
        text,
        "dns-01: TXT _acme-challenge.www.lame.test is as expected (at 1 of 3 name servers; left out: REFUSED from \
         ns2.lame.test (Not Authoritative), ns3.lame.test can't be reached (connection refused))"
    );
}

#[tokio::test]
async fn a_server_that_answers_from_the_zone_above_is_waited_for() {
    assert_eq!(
        not_in_place("www.sub.split.test").await,
        "TXT _acme-challenge.www.sub.split.test is as expected at 1 of 2 name servers; not yet at ns2.split.test (it answers \
         from the zone split.test)"
    );
}

#[tokio::test]
async fn an_answer_that_is_too_large_comes_by_tcp() {
    let world = world();
    for n in 0..30 {
        let value = format!("{n}-{}", "x".repeat(100));
        world.add("plain.test", "_acme-challenge.big", &format!("TXT {value}"));
    }
    world.add("plain.test", "_acme-challenge.big", "TXT xyz");
    in_place("big.plain.test").await;
}

#[tokio::test]
async fn a_server_that_takes_tcp_only_is_asked_by_tcp() {
    assert_eq!(
        in_place("www.tcp.test").await,
        "dns-01: TXT _acme-challenge.www.tcp.test is as expected (at ns.tcp.test)"
    );
}

#[tokio::test]
async fn a_name_server_with_an_ipv6_address_alone_is_asked_there() {
    in_place("www.six.test").await;
}

#[tokio::test]
async fn a_cname_into_another_zone_is_followed_to_all_of_its_servers() {
    assert_eq!(
        in_place("cross.plain.test").await,
        "dns-01: TXT _acme-challenge.cross.plain.test (CNAME to _acme-challenge.www.good.test) is as expected (at all 2 name \
         servers)"
    );
}

#[tokio::test]
async fn a_dname_is_followed() {
    // old.plain.test DNAME www.good.test
    world().add("good.test", "_acme-challenge.a.www", "TXT xyz");
    world().transfer("good.test", "_acme-challenge.a.www.good.test");
    let text = in_place("a.old.plain.test").await;
    assert!(
        text.contains("(CNAME to _acme-challenge.a.www.good.test) is as expected"),
        "{text}"
    );
}

#[tokio::test]
async fn a_wildcard_that_answers_for_the_name_is_told_with_what_ends_it() {
    let text = not_in_place("www.wild.test").await;
    assert_eq!(
        text,
        "nothing found yet: TXT _acme-challenge.www.wild.test: the wildcard *.wild.test (CNAME to d111.cdn.plain.test) \
         answers for it; a TXT record at _acme-challenge.www.wild.test itself ends that, and www.wild.test then needs a \
         CNAME to d111.cdn.plain.test of its own, since *.wild.test no longer answers for it either"
    );
}

/// What the text above promises, with two servers.
#[tokio::test]
async fn a_txt_record_ends_the_wildcard_for_the_names_above_it_too() {
    let world = world();
    world.add("good.test", "*.w", "CNAME ns1.good.test.");
    let answers = |name: &str| world.ask(KNOT, name, RecordType::A).unwrap().1;
    assert!(answers("www.w.good.test.") > 0);
    world.add("good.test", "_acme-challenge.www.w", "TXT xyz");
    world.transfer("good.test", "_acme-challenge.www.w.good.test");
    in_place("www.w.good.test").await;
    assert_eq!(answers("www.w.good.test."), 0);
    assert_eq!(world.ask(NSD, "www.w.good.test.", RecordType::A).unwrap().1, 0);
}

/// What the tenant sees of a CNAME from `customer.test` into `plain.test`, the broker's zone here.
async fn delegated(domain: &str) -> Look {
    delegated_with(domain, false).await
}

async fn delegated_with(domain: &str, only_by_cname: bool) -> Look {
    let challenge = Challenge::DelegatedDns01(DelegatedDns01 {
        target: "x7k2.plain.test".to_owned(),
        value: "xyz".to_owned(),
        only_by_cname,
    });
    probe_for(&world().settings(), domain, challenge).await
}

#[tokio::test]
async fn the_value_itself_counts_unless_other_tenants_have_the_same_one() {
    world().add("plain.test", "_acme-challenge.bare", "TXT xyz");
    let domain = "bare.plain.test";
    assert_eq!(
        delegated_with(domain, false).await.ready(),
        Some(Method::DelegatedDns01)
    );
    let look = delegated_with(domain, true).await;
    assert_eq!(look.ready(), None, "{look}");
    assert!(!look.waits_for_the_broker(), "{look}");
}

#[tokio::test]
async fn a_cname_is_seen_at_every_name_server_and_then_the_value_at_its_target() {
    let world = world();
    let (domain, name) = ("www.customer.test", "_acme-challenge.www.customer.test");
    assert_eq!(
        delegated(domain).await.to_string(),
        format!("nothing found yet: CNAME {name}: no such name (NXDOMAIN) at ns1.customer.test, ns2.customer.test")
    );
    world.add("customer.test", "_acme-challenge.www", "CNAME x7k2.plain.test.");
    let look = delegated(domain).await;
    assert_eq!(
        look.to_string(),
        format!(
            "CNAME {name} leads to x7k2.plain.test at 1 of 2 name servers; not yet at ns2.customer.test (no such name)"
        )
    );
    assert!(!look.waits_for_the_broker(), "the tenant's part is not done");

    world.transfer("customer.test", name);
    let look = delegated(domain).await;
    assert_eq!(
        look.to_string(),
        format!(
            "CNAME {name} leads to x7k2.plain.test (at all 2 name servers); the broker has yet to publish its value there: \
             nothing for you to do"
        )
    );
    assert!(look.waits_for_the_broker());

    world.add("plain.test", "x7k2", "TXT of-another-order");
    assert!(delegated(domain).await.waits_for_the_broker());
    world.add("plain.test", "x7k2", "TXT xyz");
    let look = delegated(domain).await;
    assert_eq!(
        look.to_string(),
        format!(
            "delegated-dns-01: CNAME {name} leads to x7k2.plain.test (at all 2 name servers), where this order's value is \
             (at ns.plain.test)"
        )
    );
    assert_eq!(look.ready(), Some(Method::DelegatedDns01));
}

#[tokio::test]
async fn a_cname_may_lead_to_the_target_by_others_and_one_that_leads_elsewhere_says_so() {
    let world = world();
    world.add("plain.test", "_acme-challenge.far", "CNAME hop.plain.test.");
    world.add("plain.test", "hop", "CNAME x7k2.plain.test.");
    world.add("plain.test", "_acme-challenge.else", "CNAME b9q1.plain.test.");
    world.add("plain.test", "_acme-challenge.lost", "CNAME nowhere.good.test.");
    let look = delegated("far.plain.test").await.to_string();
    let leads = "CNAME _acme-challenge.far.plain.test leads to x7k2.plain.test (at ns.plain.test)";
    assert!(look.contains(leads), "{look}");
    assert_eq!(
        delegated("else.plain.test").await.to_string(),
        "CNAME _acme-challenge.else.plain.test leads to b9q1.plain.test, the target of another domain or of another \
         organization: let it lead to x7k2.plain.test"
    );
    assert_eq!(
        delegated("lost.plain.test").await.to_string(),
        "CNAME _acme-challenge.lost.plain.test leads to nowhere.good.test: let it lead to x7k2.plain.test"
    );
    // The wildcard's CNAME to the distribution answers for every name below it.
    let look = delegated("www.wild.test").await.to_string();
    assert!(look.contains("the wildcard *.wild.test"), "{look}");
    assert!(
        look.contains("a CNAME record at _acme-challenge.www.wild.test itself ends that"),
        "{look}"
    );
}
