use std::collections::HashMap;

use pipeline::outside::{Cache, Persist};
use time::macros::datetime;

use super::*;

fn expected() -> Expected {
    Expected {
        distribution: "d1.cloudfront.net".into(),
        attached: Some(vec![1]),
        challenges: HashMap::new(),
        origin: "origin.example".into(),
        forwards_host: true,
        keeps_nothing: None,
        redirect_to: None,
        address_given: false,
    }
}

fn served() -> Facts {
    Facts {
        domain: "www.example.com".into(),
        name: "www.example.com".into(),
        dns: Dns::Cname {
            chain: vec!["d1.cloudfront.net".into()],
        },
        persist: Persist::Set,
        tls: Tls::Verified { version: "1.3".into() },
        certificate: Some(Served {
            issuer: "R10".into(),
            serial: "0a:0b".into(),
            names: vec!["www.example.com".into()],
            covers: true,
            not_before: datetime!(2026-01-01 0:00 UTC),
            not_after: datetime!(2026-04-01 0:00 UTC),
            age_days: 10,
            days_left: 80,
            attached: true,
        }),
        http: Http::Answered(Answer {
            status: 200,
            ..Answer::default()
        }),
        cache: Cache::Hit,
        host: Header::NotAsked,
        x_forwarded_for: Header::NotAsked,
    }
}

/// With this change the facts of a served domain are no longer fine; the sentence contains these words.
fn wrong(words: &[&str], change: impl FnOnce(&mut Facts)) {
    let mut facts = served();
    change(&mut facts);
    says(false, words, &facts, &expected());
}

fn says(ok: bool, words: &[&str], facts: &Facts, expected: &Expected) {
    let verdict = judge(facts, expected);
    assert_eq!(verdict.ok, ok, "{}", verdict.text);
    for word in words {
        assert!(verdict.text.contains(word), "{word:?} is not in {:?}", verdict.text);
    }
}

fn elsewhere(chain: &[&str], addresses: &[&str]) -> Dns {
    Dns::Elsewhere {
        chain: chain.iter().map(|name| (*name).to_owned()).collect(),
        addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
    }
}

#[test]
fn a_served_domain_is_well() {
    assert_eq!(judge(&served(), &expected()).text, "is served");
    let mut facts = served();
    facts.http = Http::Answered(Answer {
        status: 404,
        ..Answer::default()
    });
    says(true, &["the app answers 404"], &facts, &expected());
    let mut facts = served();
    facts.certificate.as_mut().unwrap().days_left = 30;
    says(true, &["ends in 30 days", "timestamp"], &facts, &expected());
}

#[test]
fn a_wildcards_own_record_is_what_is_wrong_below_it() {
    let mut facts = Facts::unknown("*.example.com", "shop");
    assert_eq!(facts.name, "shop.example.com");
    says(
        false,
        &["add a CNAME record, name *.example.com, value"],
        &facts,
        &expected(),
    );
    let redirecting = Expected {
        redirect_to: Some("shop.example.com".into()),
        ..expected()
    };
    facts = Facts {
        domain: facts.domain,
        name: facts.name,
        ..served()
    };
    says(true, &["is served"], &facts, &redirecting);
}

#[test]
fn a_wrong_record_is_named_with_what_to_write() {
    let record = "name www.example.com, value d1.cloudfront.net";
    wrong(&["does not exist", "add a CNAME record", record], |facts| {
        *facts = Facts::unknown("www.example.com", "www");
    });
    wrong(
        &["leads to gone.example, which does not exist", "change", record],
        |facts| {
            let chain = vec!["gone.example".into()];
            facts.dns = Dns::NoSuchName { chain };
        },
    );
    wrong(
        &["points at other.example", "change the CNAME record", record],
        |facts| {
            facts.dns = elsewhere(&["other.example"], &["192.0.2.1"]);
            facts.tls = Tls::WrongName;
        },
    );
    wrong(
        &["points at 192.0.2.1, 2001:db8::1", "replace its A and AAAA", record],
        |facts| {
            facts.dns = elsewhere(&[], &["192.0.2.1", "2001:db8::1"]);
            facts.certificate = None;
        },
    );
    wrong(&["no address", record], |facts| {
        facts.dns = elsewhere(&[], &[]);
        facts.tls = Tls::NotTried;
        facts.certificate = None;
    });
    wrong(&["SERVFAIL", "--resolver"], |facts| {
        facts.dns = Dns::Failed { why: "SERVFAIL".into() };
    });
}

#[test]
fn whoever_shows_our_certificate_is_our_distribution_unless_we_chose_the_address() {
    let mut facts = served();
    facts.dns = elsewhere(&[], &["192.0.2.1"]);
    says(true, &["is served"], &facts, &expected());
    let given = Expected {
        address_given: true,
        ..expected()
    };
    says(false, &["points at 192.0.2.1"], &facts, &given);
    facts.certificate.as_mut().unwrap().attached = false;
    says(false, &["points at 192.0.2.1"], &facts, &expected());
}

#[test]
fn tls_and_certificate_say_what_to_do() {
    wrong(&["for www.example.com only", "deployment", "timestamp"], |facts| {
        facts.tls = Tls::WrongName
    });
    wrong(&["\"R10\"", "--ca-roots"], |facts| facts.tls = Tls::UnknownIssuer);
    wrong(&["expired", "timestamp"], |facts| facts.tls = Tls::Expired);
    wrong(&["clock"], |facts| facts.tls = Tls::NotYetValid);
    wrong(&["no certificate for it (alert)"], |facts| {
        facts.tls = Tls::NoHandshake { why: "alert".into() }
    });
    wrong(&["refused", "443", "--connect"], |facts| {
        facts.tls = Tls::NoConnection { why: "refused".into() }
    });
    wrong(&["d1.cloudfront.net has no address"], |facts| facts.tls = Tls::NotTried);
    wrong(&["another certificate (serial 0a:0b)", "timestamp"], |facts| {
        facts.certificate.as_mut().unwrap().attached = false;
    });
    let unready = Expected {
        attached: None,
        ..expected()
    };
    says(
        false,
        &["no certificate is attached yet", "set no CNAME"],
        &served(),
        &unready,
    );
}

#[test]
fn answers_and_redirects() {
    let answered = |status, location: Option<&str>| {
        let mut facts = served();
        facts.http = Http::Answered(Answer {
            status,
            location: location.map(str::to_owned),
            ..Answer::default()
        });
        facts
    };
    says(
        false,
        &["HTTP 502 from the origin origin.example"],
        &answered(502, None),
        &expected(),
    );
    wrong(&["no answer: reset"], |facts| {
        facts.http = Http::Failed { why: "reset".into() }
    });
    let redirect = |to: &str| Expected {
        redirect_to: Some(to.into()),
        ..expected()
    };
    let to = |location| answered(301, Some(location));
    says(
        true,
        &["301 to https://example.com/x"],
        &to("https://example.com/x"),
        &redirect("example.com"),
    );
    for elsewhere in ["https://example.com.evil.example/", "http://example.com/"] {
        says(
            false,
            &["redirect_to is example.com"],
            &to(elsewhere),
            &redirect("example.com"),
        );
    }
    says(false, &["answers 200"], &served(), &redirect("example.com"));
    says(true, &["is served"], &served(), &redirect("www.example.com"));
}

#[test]
fn headers_that_do_not_reach_the_app() {
    wrong(&["Host origin.example", "should be www.example.com"], |facts| {
        facts.host = Header::Mismatch {
            value: Some("origin.example".into()),
            expected: "www.example.com".into(),
        };
    });
    wrong(&["X-Forwarded-For not at all"], |facts| {
        facts.x_forwarded_for = Header::Mismatch {
            value: None,
            expected: "the viewer's address".into(),
        };
    });
    let mut facts = served();
    facts.host = Header::NoEcho { why: "HTTP 404".into() };
    says(true, &["Host is not known", "HTTP 404"], &facts, &expected());
}
