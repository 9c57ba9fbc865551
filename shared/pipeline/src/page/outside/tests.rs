use time::macros::datetime;

use super::*;
use crate::outside::{Answer, Cache, Dns, Facts, Header, Http, Persist, Problem, Served, Tls};

const NOW: OffsetDateTime = datetime!(2026-11-24 12:04:40 UTC);
const TARGET: &str = "d111111abcdef8.cloudfront.net";

fn served() -> Facts {
    Facts {
        domain: "www.example.com".into(),
        name: "www.example.com".into(),
        dns: Dns::Cname {
            chain: vec![TARGET.into()],
        },
        persist: Persist::Unused,
        tls: Tls::Verified { version: "1.3".into() },
        certificate: Some(Served {
            issuer: "R10".into(),
            serial: "0a:0b".into(),
            names: vec!["www.example.com".into()],
            covers: true,
            not_before: datetime!(2026-10-25 0:00 UTC),
            not_after: datetime!(2027-01-23 0:00 UTC),
            age_days: 30,
            days_left: 60,
            attached: true,
        }),
        http: answered(200, None),
        cache: Cache::Hit,
        host: Header::NotAsked,
        x_forwarded_for: Header::NotAsked,
    }
}

fn answered(status: u16, location: Option<&str>) -> Http {
    Http::Answered(Answer {
        status,
        location: location.map(str::to_owned),
        ..Answer::default()
    })
}

fn checked(facts: Facts, problem: Option<Problem>) -> Checked {
    Checked {
        at: NOW,
        distribution: TARGET.into(),
        origin: "app.example.org".into(),
        redirect_to: Some("example.com".into()),
        echo: Some("/headers".into()),
        domains: vec![CheckedDomain { facts, problem }],
        of: 1,
        next: None,
    }
}

/// The sentence about the domain.
fn told(facts: Facts, problem: Option<Problem>) -> String {
    let seen = OutsideSeen::of(&checked(facts, problem));
    seen.domains[0].says.clone()
}

#[test]
fn each_problem_says_what_to_do() {
    let name = |dns| told(Facts { dns, ..served() }, Some(Problem::Name));
    let tls = |tls| told(Facts { tls, ..served() }, Some(Problem::Tls));
    let http = |http, problem| told(Facts { http, ..served() }, problem);
    let elsewhere = |chain: &[&str], addresses: &[&str]| Dns::Elsewhere {
        chain: chain.iter().map(|name| (*name).to_owned()).collect(),
        addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
    };
    let host = Header::Mismatch {
        value: Some("app.example.org".into()),
        expected: "www.example.com".into(),
    };
    let all = [
        told(served(), None),
        http(answered(404, None), None),
        told(served(), Some(Problem::NotReady)),
        name(Dns::NoSuchName { chain: Vec::new() }),
        name(elsewhere(&["other.example"], &["192.0.2.1"])),
        name(elsewhere(&[], &["192.0.2.1", "2001:db8::1"])),
        name(Dns::Failed { why: "SERVFAIL".into() }),
        tls(Tls::WrongName),
        tls(Tls::UnknownIssuer),
        tls(Tls::Expired),
        tls(Tls::NotYetValid),
        tls(Tls::NoHandshake { why: "alert".into() }),
        tls(Tls::NoConnection { why: "refused".into() }),
        tls(Tls::NotPublic),
        tls(Tls::NotTried),
        told(served(), Some(Problem::OtherCertificate)),
        http(Http::Failed { why: "reset".into() }, Some(Problem::NoAnswer)),
        http(answered(302, Some("https://other.example/")), Some(Problem::Redirect)),
        http(answered(502, None), Some(Problem::Origin)),
        told(Facts { host, ..served() }, Some(Problem::Headers)),
    ];
    let again = "`cf update-service NAME -c '{\"timestamp\": \"now\"}'`";
    let record = format!("name www.example.com, value {TARGET} (at the apex of a zone: ALIAS or ANAME)");
    let expected = [
        "It is served.".to_owned(),
        "It is served; the answer is HTTP 404.".to_owned(),
        "There is no certificate in use yet: set no CNAME before there is one.".to_owned(),
        format!("The name does not exist: add a CNAME record, {record}."),
        format!("It points at other.example: change the CNAME record, {record}."),
        format!("It points at 192.0.2.1, 2001:db8::1: replace its A and AAAA records by a CNAME record, {record}."),
        "DNS does not say where it leads (SERVFAIL). Try again in a minute; if that stays, your domain's name servers are broken.".to_owned(),
        format!(
            "The certificate that is presented for it is for www.example.com only. A deployment takes some minutes; if it stays, {again}."
        ),
        "Its certificate is from R10, which browsers don't trust.".to_owned(),
        format!("Its certificate has expired: {again} gets another."),
        "Its certificate is not valid yet: tell the broker's operator.".to_owned(),
        format!("No certificate is presented for it (alert). A deployment takes some minutes; if it stays, {again}."),
        "It can't be connected to (refused). Try again in a minute.".to_owned(),
        "It has no address that can be connected to from outside: private addresses, for example, which the broker refuses.".to_owned(),
        format!("{TARGET} has no address: tell the broker's operator."),
        format!(
            "Another certificate is presented for it than this service's (serial 0a:0b). A deployment takes some minutes; if it stays, {again}."
        ),
        "TLS is fine, but nothing is answered: reset. Try again in a minute.".to_owned(),
        format!(
            "It is to be redirected to example.com (redirect_to), but it answers 302 to https://other.example/. If that stays for some \
             minutes, {again}."
        ),
        "CloudFront gets HTTP 502 from your app at app.example.org, or no answer: check the app.".to_owned(),
        format!(
            "Your app gets Host app.example.org, and by the settings it should be www.example.com: {again} configures CloudFront again."
        ),
    ];
    for (told, expected) in all.iter().zip(&expected) {
        assert_eq!(told, expected);
    }
    assert_eq!(all.len(), expected.len());
}

#[test]
fn each_thing_that_was_seen_is_told() {
    let mut facts = served();
    facts.x_forwarded_for = Header::AsConfigured {
        value: "192.0.2.1".into(),
    };
    facts.host = Header::NoEcho { why: "HTTP 404".into() };
    let seen = OutsideSeen::of(&checked(facts, None));
    assert_eq!(
        seen.domains[0].each,
        [
            "DNS: leads to d111111abcdef8.cloudfront.net by CNAME.",
            "TLS: 1.3, verified; this service's certificate, by R10, until 2027-01-23.",
            "Answer: HTTP 200.",
            "Cache: the second answer came from CloudFront's cache.",
            "Host: not seen, since /headers does not answer with the request's headers (HTTP 404).",
            "X-Forwarded-For: your app gets 192.0.2.1.",
        ]
    );
    assert!(seen.domains[0].is_served && seen.more.is_none());

    let nothing = Facts::unknown("*.example.com", "www");
    let mut check = checked(nothing, Some(Problem::Name));
    (check.of, check.next) = (9, Some("z.example.com".into()));
    let seen = OutsideSeen::of(&check);
    assert_eq!(
        seen.domains[0].each,
        ["Looked at as www.example.com.", "DNS: does not exist."]
    );
    assert_eq!(
        seen.more.as_deref(),
        Some("1 of 9 domains were looked at. The next check begins at z.example.com.")
    );
    assert!(!seen.domains[0].is_served);
}

/// Asked for so many seconds ago; taken so many times, and so many seconds ago.
fn asked(seconds: i64, attempts: i32, taken: Option<i64>) -> OutsideFacts {
    OutsideFacts {
        asked_at: NOW - Duration::seconds(seconds),
        attempts,
        taken_at: taken.map(|seconds| NOW - Duration::seconds(seconds)),
        done_at: None,
        result: None,
    }
}

#[test]
fn how_far_a_check_is() {
    let done = |seconds, result| OutsideFacts {
        done_at: Some(NOW),
        result,
        ..asked(seconds, 1, Some(seconds))
    };
    let seen = || Some(checked(served(), None));
    for (check, stage, words) in [
        (asked(29, 0, None), Stage::Asked, "begins in a moment"),
        (
            asked(30, 0, None),
            Stage::Untaken,
            "no process of the broker has taken it yet",
        ),
        (asked(40, 1, Some(30)), Stage::Taken, "are being looked at"),
        (asked(40, 1, Some(31)), Stage::TakenAgain, "looked at again"),
        (asked(100, 3, Some(30)), Stage::Taken, "are being looked at"),
        (asked(100, 3, Some(31)), Stage::GivenUp, "could not be done"),
        (done(59, seen()), Stage::Done, "asked for again from 12:04:41 UTC on"),
        (done(60, None), Stage::Done, "can't be shown"),
    ] {
        assert_eq!(Stage::of(&check, NOW), stage, "{check:?}");
        let says = says(&check, stage, NOW).unwrap();
        assert!(says.contains(words), "{says}");
    }
    assert_eq!(says(&done(60, seen()), Stage::Done, NOW), None);
    assert!(Stage::TakenAgain.is_under_way() && !Stage::GivenUp.is_under_way());
}
