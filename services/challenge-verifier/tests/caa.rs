//! CAA records: which of them are relevant, and how they affect a domain that is proved.

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

mod support;

use std::time::Duration;

use challenge_verifier::dns::{CaaRecords, Dns, LookupFailure};
use challenge_verifier::{DnsServer, Expected, Look, Method, ProbeSettings, Prober};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RecordType;
use pipeline::caa::CaaExpected;
use support::names::{Servers, Zone};
use support::settings;
use time::OffsetDateTime;

const RESOLVER: &str = "127.0.0.53";
const NS1: &str = "127.0.0.2";
const CHILD: &str = "127.0.0.3";
const OTHER: &str = "127.0.0.4";
const DOMAIN: &str = "www.example.test";
const ACCOUNT: &str = "https://ca.test/acct/1";

mod lookup {
    use super::*;

    fn resolver() -> Zone {
        Zone::resolver()
            .ns("example.test", "ns1.example.test")
            .a("ns1.example.test", NS1)
            .ns("other.test", "ns.other.test")
            .a("ns.other.test", OTHER)
            // Long out of date.
            .caa("example.test", 0, "issue", "stale.test")
    }

    fn example() -> Zone {
        Zone::new("example.test").a(DOMAIN, "127.0.0.1")
    }

    async fn caa(servers: &Servers, domain: &str) -> Result<Option<CaaRecords>, LookupFailure> {
        let settings = ProbeSettings {
            dns_walk_resolver: DnsServer(Some(servers.at(RESOLVER))),
            dns_authoritative_port: servers.port,
            dns_timeout: Duration::from_secs(1),
            ..settings()
        };
        Dns::new(&settings).unwrap().caa(domain, None).await
    }

    /// Where the relevant records are, the value of the first, and which server returned them.
    async fn found(servers: &Servers, domain: &str) -> Option<(String, String, String)> {
        let records = caa(servers, domain).await.unwrap()?;
        let value = String::from_utf8(records.properties[0].value.clone()).unwrap();
        let name = match records.alias {
            Some(alias) => format!("{} -> {alias}", records.name),
            None => records.name,
        };
        Some((name, value, records.server))
    }

    fn at(name: &str, value: &str, server: &str) -> Option<(String, String, String)> {
        Some((name.to_owned(), value.to_owned(), server.to_owned()))
    }

    #[tokio::test]
    async fn the_first_name_upwards_that_has_some_counts_and_no_cache() {
        let zone = example()
            .caa("example.test", 0, "issue", "apex.test")
            .caa("near.example.test", 0, "issue", "near.test")
            .caa("near.example.test", 128, "iodef", "mailto:a@example.test");
        let servers = Servers::start([(RESOLVER, resolver()), (NS1, zone)]).await;
        let apex = at("example.test", "apex.test", "ns1.example.test");
        assert_eq!(found(&servers, "example.test").await, apex);
        assert_eq!(found(&servers, DOMAIN).await, apex);
        assert_eq!(found(&servers, "no.such.name.example.test").await, apex);
        let near = caa(&servers, "a.b.near.example.test").await.unwrap().unwrap();
        assert_eq!((near.name.as_str(), near.properties.len()), ("near.example.test", 2));
        assert!(near.properties.iter().any(|property| property.critical));
    }

    #[tokio::test]
    async fn up_to_the_top_level_domain_and_no_further() {
        let servers = Servers::start([(RESOLVER, resolver()), (NS1, example())]).await;
        assert_eq!(found(&servers, DOMAIN).await, None);
        let top = resolver().caa("test", 0, "issue", "top.test");
        let servers = Servers::start([(RESOLVER, top), (NS1, example())]).await;
        assert_eq!(
            found(&servers, DOMAIN).await,
            at("test", "top.test", &servers.at(RESOLVER))
        );
        let asked = servers.asked.lock().unwrap().clone();
        assert!(!asked.iter().any(|line| line.contains(" . CAA")), "{asked:?}");
    }

    #[tokio::test]
    async fn a_zone_of_its_own_is_left_upwards() {
        let resolver = resolver().ns(DOMAIN, "ns.child.test").a("ns.child.test", CHILD);
        let parent = example().caa("example.test", 0, "issue", "apex.test");
        let servers = Servers::start([(RESOLVER, resolver), (NS1, parent), (CHILD, Zone::new(DOMAIN))]).await;
        assert_eq!(
            found(&servers, DOMAIN).await,
            at("example.test", "apex.test", "ns1.example.test")
        );
    }

    #[tokio::test]
    async fn a_cname_is_followed_but_not_climbed_from() {
        let zone =
            Zone::new("example.test")
                .cname(DOMAIN, "cdn.other.test")
                .caa("example.test", 0, "issue", "apex.test");
        let with = Zone::new("other.test").caa("cdn.other.test", 0, "issue", "cdn.test");
        let servers = Servers::start([(RESOLVER, resolver()), (NS1, zone.clone()), (OTHER, with)]).await;
        assert_eq!(
            found(&servers, DOMAIN).await,
            at("www.example.test -> cdn.other.test", "cdn.test", "ns.other.test")
        );
        let above = Zone::new("other.test").caa("other.test", 0, "issue", "not-ours.test");
        let servers = Servers::start([(RESOLVER, resolver()), (NS1, zone), (OTHER, above)]).await;
        assert_eq!(
            found(&servers, DOMAIN).await,
            at("example.test", "apex.test", "ns1.example.test")
        );
    }

    #[tokio::test]
    async fn behind_a_name_that_cannot_be_looked_up_nothing_is_known() {
        let zone = || example().caa("example.test", 0, "issue", "apex.test");
        for broken in [
            zone().fail_type(DOMAIN, RecordType::CAA, Some(ResponseCode::ServFail)),
            zone().fail_type(DOMAIN, RecordType::CAA, Some(ResponseCode::NotImp)),
            zone().fail_type(DOMAIN, RecordType::CAA, None),
            zone().cname(DOMAIN, "a.example.test").cname("a.example.test", DOMAIN),
        ] {
            let servers = Servers::start([(RESOLVER, resolver()), (NS1, broken)]).await;
            assert!(caa(&servers, DOMAIN).await.is_err());
            assert!(caa(&servers, "example.test").await.unwrap().is_some());
        }
        let nowhere = Servers::start([(RESOLVER, Zone::resolver())]).await;
        assert!(caa(&nowhere, DOMAIN).await.is_err());
    }

    #[tokio::test]
    async fn a_name_of_very_many_labels_costs_no_more_questions() {
        let zone = example().caa("example.test", 0, "issue", "apex.test");
        let servers = Servers::start([(RESOLVER, resolver()), (NS1, zone)]).await;
        assert_eq!(
            found(&servers, &format!("{}example.test", "a.".repeat(100))).await,
            None
        );
        let asked = servers.asked.lock().unwrap().clone();
        let questions = asked.iter().filter(|line| line.ends_with(" CAA")).count();
        assert!(questions <= 10, "{asked:?}");
    }
}

fn expected(domain: &str) -> Expected {
    let wildcard = domain.starts_with("*.");
    Expected {
        domain: domain.into(),
        challenges: [support::persist(ACCOUNT), support::dns01()].into_iter().collect(),
        caa: Some(CaaExpected {
            identities: vec!["ca.test".into()],
            account_uri: ACCOUNT.into(),
            wildcard,
        }),
    }
}

/// The standing record is in place at `www.example.test` and `*.example.test`.
fn proved() -> Zone {
    let value = format!("ca.test; accounturi={ACCOUNT}; policy=wildcard");
    Zone::new(".")
        .a(DOMAIN, "127.0.0.1")
        .txt("_validation-persist.www.example.test", &[&value])
        .txt("_validation-persist.example.test", &[&value])
}

async fn probe(zone: Zone, expected: &Expected, adapt: impl FnOnce(&mut ProbeSettings)) -> (Look, String, Vec<String>) {
    let names = Servers::start([(RESOLVER, zone)]).await;
    let mut settings = ProbeSettings {
        dns_resolver: DnsServer(Some(names.at(RESOLVER))),
        ..settings()
    };
    adapt(&mut settings);
    let prober = Prober::new(&settings).unwrap();
    let look = prober.probe(expected, OffsetDateTime::now_utc()).await;
    let summary = look.to_string().replace(&names.at(RESOLVER), "NS");
    let asked = names.asked.lock().unwrap().clone();
    (look, summary, asked)
}

fn usual(_: &mut ProbeSettings) {}

#[tokio::test]
async fn a_proved_domain_waits_while_its_records_forbid_the_ca() {
    let zone = proved().caa("example.test", 0, "issue", "digicert.com");
    let (look, summary, _) = probe(zone.clone(), &expected(DOMAIN), usual).await;
    assert_eq!(look.ready(), None);
    assert_eq!(
        summary,
        "it is proved by dns-persist-01, but CAA example.test allows only \"digicert.com\" (at NS): add CAA example.test \
         0 issue \"ca.test\""
    );
    let mended = zone.caa("example.test", 0, "issue", "ca.test");
    let (look, summary, _) = probe(mended, &expected(DOMAIN), usual).await;
    assert_eq!(look.ready(), Some(Method::DnsPersist01));
    assert!(summary.starts_with("dns-persist-01: TXT"), "{summary}");
}

#[tokio::test]
async fn the_record_is_to_be_added_where_a_cname_leads() {
    let zone = proved()
        .cname(DOMAIN, "cdn.other.test")
        .caa("cdn.other.test", 0, "issue", ";");
    let (_, summary, _) = probe(zone, &expected(DOMAIN), usual).await;
    assert_eq!(
        summary,
        "it is proved by dns-persist-01, but CAA www.example.test (CNAME to cdn.other.test) allows no CA (issue \";\") \
         (at NS): add CAA cdn.other.test 0 issue \"ca.test\""
    );
}

#[tokio::test]
async fn a_wildcard_goes_by_issuewild_at_the_name_below_the_asterisk() {
    let zone = proved()
        .caa("example.test", 0, "issue", "ca.test")
        .caa("example.test", 0, "issuewild", ";");
    let (look, summary, _) = probe(zone.clone(), &expected("*.example.test"), usual).await;
    assert_eq!(look.ready(), None);
    assert_eq!(
        summary,
        "it is proved by dns-persist-01, but CAA example.test allows no CA a wildcard (issuewild \";\") (at NS): add \
         CAA example.test 0 issuewild \"ca.test\""
    );
    let (look, ..) = probe(zone, &expected(DOMAIN), usual).await;
    assert_eq!(look.ready(), Some(Method::DnsPersist01));
}

#[tokio::test]
async fn what_cannot_be_known_lets_the_domain_pass() {
    let forbidden = || proved().caa("example.test", 0, "issue", "digicert.com");
    for code in [
        Some(ResponseCode::ServFail),
        Some(ResponseCode::Refused),
        Some(ResponseCode::NotImp),
        None,
    ] {
        let zone = forbidden().fail_type(DOMAIN, RecordType::CAA, code);
        let (look, ..) = probe(zone, &expected(DOMAIN), |settings| {
            settings.dns_timeout = Duration::from_secs(1);
        })
        .await;
        assert_eq!(look.ready(), Some(Method::DnsPersist01), "{code:?}");
    }
    // Doesn't respond for longer than the probe may take.
    let silent = forbidden().fail_type(DOMAIN, RecordType::CAA, None);
    let (look, ..) = probe(silent, &expected(DOMAIN), |settings| {
        settings.probe_timeout = Duration::from_secs(2);
    })
    .await;
    assert_eq!(look.ready(), Some(Method::DnsPersist01));
}

#[tokio::test]
async fn nothing_is_asked_when_the_check_is_off_or_the_ca_has_no_known_name() {
    let forbidden = || proved().caa("example.test", 0, "issue", "digicert.com");
    let nameless = Expected {
        caa: None,
        ..expected(DOMAIN)
    };
    let off = |settings: &mut ProbeSettings| settings.caa_check = false;
    for (look, _, asked) in [
        probe(forbidden(), &expected(DOMAIN), off).await,
        probe(forbidden(), &nameless, usual).await,
    ] {
        assert_eq!(look.ready(), Some(Method::DnsPersist01));
        assert!(!asked.iter().any(|line| line.ends_with(" CAA")), "{asked:?}");
    }
}

#[tokio::test]
async fn a_way_that_the_records_allow_is_taken_if_it_is_in_place_as_well() {
    let zone = proved().caa(DOMAIN, 0, "issue", "ca.test; validationmethods=http-01,dns-01");
    let (look, summary, _) = probe(zone.clone(), &expected(DOMAIN), usual).await;
    assert_eq!(look.ready(), None);
    assert_eq!(
        summary,
        "it is proved by dns-persist-01, but CAA www.example.test allows \"ca.test\" only by http-01,dns-01 \
         (validationmethods), not by dns-persist-01 (at NS): add CAA www.example.test 0 issue \"ca.test;\
         validationmethods=dns-persist-01\""
    );
    let both = zone.txt("_acme-challenge.www.example.test", &["xyz"]);
    let (look, ..) = probe(both, &expected(DOMAIN), usual).await;
    assert_eq!(look.ready(), Some(Method::Dns01));
}

#[tokio::test]
async fn whoever_has_set_nothing_yet_reads_of_it_as_well() {
    let zone = Zone::new(".").caa("example.test", 0, "issue", "ca.test; accounturi=https://ca.test/acct/9");
    let (look, summary, _) = probe(zone.clone(), &expected(DOMAIN), usual).await;
    assert_eq!((look.in_place, look.ready()), (None, None));
    assert!(
        summary.starts_with(
            "CAA example.test allows \"ca.test\" only for the account https://ca.test/acct/9 (accounturi) (at NS): add \
             CAA example.test 0 issue \"ca.test;accounturi=https://ca.test/acct/1\"; nothing found yet: "
        ),
        "{summary}"
    );
    // Not about a record that allows one of the methods.
    let some = Zone::new(".").caa(DOMAIN, 0, "issue", "ca.test; validationmethods=dns-01");
    let (_, summary, _) = probe(some, &expected(DOMAIN), usual).await;
    assert!(summary.starts_with("nothing found yet: "), "{summary}");
}
