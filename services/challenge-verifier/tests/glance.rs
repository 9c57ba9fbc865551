//! Glances: what they ask, and what they take for a change.

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

mod support;

use std::time::{Duration, Instant};

use challenge_verifier::{DnsServer, Expected, Glance, Look, ProbeSettings, Prober};
use hickory_resolver::proto::op::ResponseCode;
use pipeline::proof::{Challenge, DelegatedDns01};
use pipeline::turn::Turn;
use support::names::{Servers, Zone};
use support::web::{Manner, Web, ok, redirect, status};
use support::{PATIENT, dns01, http01, persist, settings};
use time::OffsetDateTime;
use uuid::Uuid;

const RESOLVER: &str = "127.0.0.53";
const NS1: &str = "127.0.0.2";
const NS2: &str = "127.0.0.3";
const NS3: &str = "127.0.0.4";
const WEB: &str = "127.0.0.1";
const OTHER_WEB: &str = "127.0.0.7";
const DOMAIN: &str = "www.example.test";
const PERSIST: &str = "_validation-persist.www.example.test";
const DNS01: &str = "_acme-challenge.www.example.test";
const ACCOUNT: &str = "https://ca.test/acct/1";
const HOUR: Duration = Duration::from_secs(3600);

/// What the web server answers to a host and a path.
type Answers = fn(&str, &str) -> Manner;

fn not_found(_: &str, _: &str) -> Manner {
    status("404 Not Found")
}

fn nothing() -> Zone {
    Zone::new("example.test")
}

/// What the resolver knows: the zone's servers ns1, ns2, … and the addresses of the web server.
fn resolver(servers: &[&str], web: &[&str]) -> Zone {
    let mut zone = Zone::resolver();
    for (at, address) in servers.iter().enumerate() {
        let name = format!("ns{}.example.test", at + 1);
        zone = zone.ns("example.test", &name).a(&name, address);
    }
    web.iter().fold(zone, |zone, address| zone.a(DOMAIN, address))
}

/// Turns that follow one another, of looks that are like that.
fn turns_of(age: Duration, count: i32, like: impl Fn(&Turn) -> bool) -> Vec<Turn> {
    let step = Uuid::from_u128(0x5eed);
    let turn = |attempt| Turn::of(step, attempt, age);
    (1..1000)
        .map(|first| (first..first + count).map(turn).collect::<Vec<_>>())
        .find(|turns| turns.iter().all(&like))
        .unwrap()
}

fn turns(count: i32) -> Vec<Turn> {
    turns_of(Duration::ZERO, count, |turn| !turn.is_whole())
}

/// The name servers, the web server, and what is looked for.
struct Stage {
    names: Servers,
    web: Web,
    settings: ProbeSettings,
    expected: Expected,
}

impl Stage {
    async fn new(resolver: Zone, zones: impl IntoIterator<Item = (&'static str, Zone)>, answers: Answers) -> Self {
        let web = Web::start(answers).await;
        let names = Servers::start(zones.into_iter().chain([(RESOLVER, resolver)])).await;
        let settings = ProbeSettings {
            dns_walk_resolver: DnsServer(Some(names.at(RESOLVER))),
            dns_authoritative_port: names.port,
            http01_port: web.address.port(),
            ..settings()
        };
        let expected = Expected {
            domain: DOMAIN.into(),
            challenges: [persist(ACCOUNT), dns01(), http01()].into_iter().collect(),
            caa: None,
        };
        Self {
            names,
            web,
            settings,
            expected,
        }
    }

    fn prober(&self) -> Prober {
        Prober::new(&self.settings).unwrap()
    }

    async fn look(&self) -> Look {
        let look = self.prober().probe(&self.expected, OffsetDateTime::now_utc()).await;
        self.asked();
        look
    }

    async fn glance(&self, before: &Look, turn: Turn) -> Glance {
        let now = OffsetDateTime::now_utc();
        self.prober().glance(&self.expected, before, turn, now).await
    }

    async fn is_changed(&self, before: &Look, turn: Turn) -> bool {
        matches!(self.glance(before, turn).await, Glance::Changed(_))
    }

    /// The questions since the last time, sorted, and the server of each.
    fn asked(&self) -> Vec<(String, String)> {
        let lines = std::mem::take(&mut *self.names.asked.lock().unwrap());
        let mut asked: Vec<(String, String)> = lines
            .iter()
            .filter_map(|line| line.split_once(' '))
            .map(|(server, question)| (question.to_owned(), server.to_owned()))
            .collect();
        asked.sort();
        asked
    }

    /// The part of them that the resolver was asked.
    fn asked_at_the_resolver(&self) -> Vec<String> {
        let asked = self.asked().into_iter();
        asked
            .filter(|(_, server)| server == RESOLVER)
            .map(|(question, _)| question)
            .collect()
    }

    /// How many requests the web server has had since the last time.
    fn requests(&self) -> usize {
        std::mem::take(&mut *self.web.asked.lock().unwrap()).len()
    }
}

/// A zone with one server.
async fn at_one(zone: Zone, answers: Answers) -> Stage {
    Stage::new(resolver(&[NS1], &[WEB]), [(NS1, zone)], answers).await
}

/// A zone with two servers.
async fn at_two(first: Zone, second: Zone) -> Stage {
    let zones = [(NS1, first), (NS2, second)];
    Stage::new(resolver(&[NS1, NS2], &[WEB]), zones, not_found).await
}

/// A look at a domain of a zone with one server, where nothing is set.
async fn absent() -> Look {
    at_one(nothing(), not_found).await.look().await
}

#[tokio::test]
async fn an_unset_domain_costs_two_questions_at_one_server_each() {
    let stage = at_two(nothing(), nothing()).await;
    let before = stage.look().await;
    for turn in turns(8).into_iter().filter(|turn| !turn.resolves()) {
        assert_eq!(stage.glance(&before, turn).await, Glance::Same);
        let asked = stage.asked();
        let questions: Vec<&str> = asked.iter().map(|(question, _)| question.as_str()).collect();
        assert_eq!(
            questions,
            [format!("{DNS01}. TXT"), format!("{PERSIST}. TXT")],
            "{asked:?}"
        );
        let mut servers: Vec<&str> = asked.iter().map(|(_, server)| server.as_str()).collect();
        servers.sort_unstable();
        assert_eq!(servers, [NS1, NS2], "each at another server: {asked:?}");
    }
}

#[tokio::test]
async fn where_one_server_is_asked_everything_it_is_asked_two_questions() {
    let mut stage = Stage::new(Zone::new(".").a(DOMAIN, WEB), [], not_found).await;
    stage.settings.dns_resolver = DnsServer(Some(stage.names.at(RESOLVER)));
    let before = stage.look().await;
    for turn in turns(4) {
        assert_eq!(stage.glance(&before, turn).await, Glance::Same);
        assert_eq!(stage.asked().len(), if turn.resolves() { 3 } else { 2 });
    }
}

#[tokio::test]
async fn every_server_is_asked_in_turn() {
    let all = [NS1, NS2, NS3];
    let zones = all.map(|server| (server, nothing()));
    let stage = Stage::new(resolver(&all, &[WEB]), zones, not_found).await;
    let before = stage.look().await;
    let mut asked = Vec::new();
    for turn in turns(3) {
        assert_eq!(stage.glance(&before, turn).await, Glance::Same);
        asked.extend(stage.asked());
    }
    for name in [PERSIST, DNS01] {
        let question = format!("{name}. TXT");
        let of_name = asked.iter().filter(|(asked, _)| *asked == question);
        let mut servers: Vec<&str> = of_name.map(|(_, server)| server.as_str()).collect();
        servers.sort_unstable();
        assert_eq!(servers, all, "{name}");
    }
}

#[tokio::test]
async fn a_record_at_one_server_is_noticed_within_as_many_looks_and_told() {
    let before = at_two(nothing(), nothing()).await.look().await;
    let stage = at_two(nothing().txt(DNS01, &["xyz"]), nothing()).await;
    let mut noticed = 0;
    for turn in turns(2) {
        noticed += usize::from(stage.is_changed(&before, turn).await);
    }
    assert_eq!(noticed, 1);
    assert_eq!(
        stage.look().await.to_string(),
        "TXT _acme-challenge.www.example.test is as expected at 1 of 2 name servers; not yet at ns2.example.test (no such \
         name)"
    );
}

#[tokio::test]
async fn any_record_that_is_set_is_a_change() {
    let before = absent().await;
    for (what, zone) in [
        (
            "a set-once record",
            nothing().txt(PERSIST, &["ca.test; accounturi=https://ca.test/acct/1"]),
        ),
        (
            "one of another account",
            nothing().txt(PERSIST, &["ca.test; accounturi=https://ca.test/acct/9"]),
        ),
        ("any text there", nothing().txt(PERSIST, &["v=spf1 -all"])),
        ("a CNAME there", nothing().cname(PERSIST, "elsewhere.test")),
        ("the value", nothing().txt(DNS01, &["xyz"])),
        ("another value", nothing().txt(DNS01, &["abc"])),
        ("a CNAME", nothing().cname(DNS01, "x.example.test")),
    ] {
        let stage = at_one(zone, not_found).await;
        for turn in turns(4) {
            assert!(stage.is_changed(&before, turn).await, "{what}");
        }
    }
}

#[tokio::test]
async fn any_other_answer_of_the_web_server_is_a_change() {
    let before = absent().await;
    let cases: [(&str, Answers); 6] = [
        ("the file", |_, _| ok("tok.thumb")),
        ("a redirect to it", |_, path| match path {
            "/there" => ok("tok.thumb"),
            _ => redirect("/there"),
        }),
        ("a redirect that leads to nothing yet", |host, path| match path {
            "/there" => not_found(host, path),
            _ => redirect("/there"),
        }),
        ("the file of another account", |_, _| ok("tok.other")),
        ("a page", |_, _| ok("<p>it is 12:00")),
        ("another status", |_, _| status("503 Service Unavailable")),
    ];
    for (what, answers) in cases {
        let stage = at_one(nothing(), answers).await;
        for turn in turns(4) {
            assert!(stage.is_changed(&before, turn).await, "{what}");
        }
    }
}

#[tokio::test]
async fn a_wrong_file_in_place_of_a_page_is_a_change_and_another_page_is_not() {
    let before = at_one(nothing(), |_, _| ok("<p>it is 12:00")).await.look().await;
    let page = at_one(nothing(), |_, _| ok("\r\n<p>it is 12:01")).await;
    let quoted = at_one(nothing(), |_, _| ok("\"tok.thumb\"")).await;
    for turn in turns(2) {
        assert_eq!(page.glance(&before, turn).await, Glance::Same);
        assert!(quoted.is_changed(&before, turn).await);
    }
}

#[tokio::test]
async fn a_cname_to_the_brokers_zone_is_a_change() {
    let delegated = Challenge::DelegatedDns01(DelegatedDns01 {
        target: "x7k2.acme.test".into(),
        value: "xyz".into(),
        only_by_cname: false,
    });
    let mut stage = at_one(nothing(), not_found).await;
    stage.expected.challenges = [persist(ACCOUNT), delegated].into_iter().collect();
    let before = stage.look().await;
    for turn in turns(2) {
        assert_eq!(stage.glance(&before, turn).await, Glance::Same);
    }
    let mut set = at_one(nothing().cname(DNS01, "x7k2.acme.test"), not_found).await;
    set.expected = stage.expected;
    for turn in turns(2) {
        assert!(set.is_changed(&before, turn).await);
    }
}

#[tokio::test]
async fn a_wildcard_or_another_denial_is_no_change() {
    let wild = |target: &str| nothing().cname(DNS01, target).cname("*.www.example.test", target);
    let stage = async |zone: Zone| {
        let resolver = resolver(&[NS1], &[WEB])
            .ns("cdn.test", "ns.cdn.test")
            .a("ns.cdn.test", NS2);
        Stage::new(resolver, [(NS1, zone), (NS2, Zone::new("cdn.test"))], not_found).await
    };
    let covered = stage(wild("d111.cdn.test")).await;
    let before = covered.look().await;
    let text = before.to_string();
    assert!(text.contains("the wildcard *.www.example.test"), "{text}");
    for turn in turns(4).into_iter().filter(|turn| !turn.resolves()) {
        assert_eq!(covered.glance(&before, turn).await, Glance::Same);
        assert_eq!(covered.asked().len(), 2, "neither its target nor the names above");
    }
    for (what, zone) in [("another target", wild("d222.cdn.test")), ("none", nothing())] {
        let changed = stage(zone).await;
        for turn in turns(2) {
            assert!(changed.is_changed(&before, turn).await, "{what}");
        }
    }

    // Servers differ in how they deny a record.
    let before = absent().await;
    let there = at_one(nothing().a(DNS01, WEB).a(PERSIST, WEB), not_found).await;
    for turn in turns(2) {
        assert_eq!(there.glance(&before, turn).await, Glance::Same);
    }
}

#[tokio::test]
async fn a_new_zone_cut_is_a_change() {
    let before = absent().await;
    for cut in [DNS01, PERSIST, DOMAIN] {
        let parent = nothing().delegate(cut, "ns.new.example.test", NS2);
        let stage = at_one(parent, not_found).await;
        for turn in turns(2) {
            assert!(stage.is_changed(&before, turn).await, "{cut}");
        }
    }
}

#[tokio::test]
async fn a_server_that_fails_is_passed_over_and_all_failing_is_a_change() {
    let before = at_two(nothing(), nothing()).await.look().await;
    let refuses = || nothing().fail("example.test", ResponseCode::Refused);
    let fails = || nothing().fail("example.test", ResponseCode::ServFail);
    let lame = Zone::resolver;
    for failing in [refuses(), fails(), lame()] {
        let one = at_two(failing.clone(), nothing()).await;
        let all = at_two(failing.clone(), failing).await;
        for turn in turns(2) {
            assert_eq!(one.glance(&before, turn).await, Glance::Same);
            assert!(all.is_changed(&before, turn).await);
        }
    }
    let silent = || nothing().silent("example.test");
    let one = at_two(silent(), nothing()).await;
    let mut all = at_two(silent(), silent()).await;
    all.settings.dns_timeout = Duration::from_secs(1);
    let begun = Instant::now();
    for turn in turns(2) {
        assert_eq!(one.glance(&before, turn).await, Glance::Same);
        assert!(all.is_changed(&before, turn).await);
    }
    assert!(begun.elapsed() < PATIENT / 2, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_web_server_is_asked_without_dns_and_resolved_every_fourth_look() {
    let stage = at_one(nothing(), not_found).await;
    let before = stage.look().await;
    stage.requests();
    let mut resolved = 0;
    for turn in turns(8) {
        assert_eq!(stage.glance(&before, turn).await, Glance::Same);
        assert_eq!(stage.requests(), 1);
        let asked = stage.asked_at_the_resolver();
        match turn.resolves() {
            true => assert_eq!(asked, [format!("{DOMAIN}. A")]),
            false => assert!(asked.is_empty(), "{asked:?}"),
        }
        resolved += asked.len();
    }
    assert_eq!(resolved, 2);

    let moved = Stage::new(resolver(&[NS1], &[OTHER_WEB]), [(NS1, nothing())], not_found).await;
    let _there = beside(&moved, |_, _| ok("tok.thumb")).await;
    for turn in turns(4) {
        assert_eq!(moved.is_changed(&before, turn).await, turn.resolves());
    }
}

/// Another web server at the same port.
async fn beside(stage: &Stage, answers: Answers) -> Web {
    Web::start_at(&format!("{OTHER_WEB}:{}", stage.web.address.port()), answers).await
}

#[tokio::test]
async fn a_domain_without_an_address_is_resolved_every_fourth_look() {
    let nowhere = Stage::new(resolver(&[NS1], &[]), [(NS1, nothing())], not_found).await;
    let before = nowhere.look().await;
    let somewhere = at_one(nothing(), |_, _| ok("tok.thumb")).await;
    for turn in turns(4) {
        assert_eq!(nowhere.glance(&before, turn).await, Glance::Same);
        let asked = nowhere.asked_at_the_resolver();
        assert_eq!(!asked.is_empty(), turn.resolves(), "{asked:?}");
        assert_eq!(somewhere.is_changed(&before, turn).await, turn.resolves());
    }
}

/// Looks are minutes apart then.
#[tokio::test]
async fn after_an_hour_a_new_web_address_is_noticed_at_the_next_look() {
    let before = absent().await;
    for web in [&[OTHER_WEB][..], &[WEB, OTHER_WEB]] {
        let stage = Stage::new(resolver(&[NS1], web), [(NS1, nothing())], not_found).await;
        let _there = beside(&stage, |_, _| ok("tok.thumb")).await;
        for turn in turns_of(HOUR, 4, |turn| !turn.is_whole()) {
            assert!(stage.is_changed(&before, turn).await, "{web:?}");
        }
    }
}

/// It may be out of reach from here by IPv6, where the file can be for a CA by IPv4 alone.
#[tokio::test]
async fn a_domain_with_ipv6_alone_that_gets_ipv4_is_a_change() {
    let by_ipv6 = || resolver(&[NS1], &[]).aaaa(DOMAIN, "::1");
    let stage = Stage::new(by_ipv6(), [(NS1, nothing())], not_found).await;
    let before = stage.look().await;
    let by_both = Stage::new(by_ipv6().a(DOMAIN, WEB), [(NS1, nothing())], |_, _| ok("tok.thumb")).await;
    for turn in turns(8) {
        assert_eq!(stage.glance(&before, turn).await, Glance::Same);
        assert_eq!(by_both.is_changed(&before, turn).await, turn.resolves());
    }
}

/// A redirect from the domain to h1.test, from there to h2.test, and so on up to this one.
fn hop(last: u32, host: &str) -> Manner {
    let label = host.split('.').next().unwrap_or_default();
    let number = label.trim_start_matches('h').parse::<u32>().unwrap_or(0);
    match number < last {
        true => redirect(&format!("http://h{}.test/", number + 1)),
        false => status("404 Not Found"),
    }
}

#[tokio::test]
async fn what_is_remembered_of_redirects_has_a_limit() {
    let cases: [(Answers, bool); 2] = [(|host, _| hop(7, host), true), (|host, _| hop(8, host), false)];
    for (answers, is_remembered) in cases {
        let hosts = (1..=8).map(|number| format!("h{number}.test"));
        let resolver = hosts.fold(resolver(&[NS1], &[WEB]), |zone, host| zone.a(&host, WEB));
        let look = Stage::new(resolver, [(NS1, nothing())], answers).await.look().await;
        assert!(look.is_certain_absence(), "{look}");
        assert_eq!(look.memory.is_some(), is_remembered, "{look}");
    }
}

#[tokio::test]
async fn each_web_address_in_turn() {
    let both = resolver(&[NS1], &[WEB, OTHER_WEB]);
    let stage = Stage::new(both, [(NS1, nothing())], not_found).await;
    let other = beside(&stage, not_found).await;
    let before = stage.look().await;
    stage.requests();
    other.asked.lock().unwrap().clear();
    for turn in turns_of(Duration::ZERO, 2, |turn| !turn.is_whole() && !turn.resolves()) {
        assert_eq!(stage.glance(&before, turn).await, Glance::Same);
    }
    assert_eq!((stage.requests(), other.asked.lock().unwrap().len()), (1, 1));
}
