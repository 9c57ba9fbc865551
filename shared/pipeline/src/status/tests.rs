use super::examples::{domain, waiting};
use super::*;
use crate::proof::{Challenge, DelegatedDns01};
use crate::reason::examples::{absent, in_place, seen, slow, with_caa, wrong};
use crate::reason::{AwsReason, CaReason, Spent};
use time::macros::datetime;

const RESPONDER: &str = "https://broker.example";

fn view(domains: Vec<DomainView>) -> View {
    View {
        distribution_domain: Some("d111111abcdef8.cloudfront.net".into()),
        ..waiting(domains)
    }
}

#[test]
fn the_user_reads_whose_move_it_is_what_to_set_and_what_was_seen() {
    let mut mistyped = domain("api.example.com");
    mistyped.waiting_for = seen(wrong("api.example.com", "abc", "xyz"));
    let mut done = domain("shop.example.com");
    done.step_state = Some(StepState::Done);
    let text = describe(&waiting(vec![domain("www.example.com"), mistyped, done]), RESPONDER);
    insta::assert_snapshot!(text, @r#"
    Waiting for you: 2 of 3 domains need a DNS record.
    For each of them any one of the ways shown is enough.

    Set once, good for every later certificate:
    the TXT record with the value
    "letsencrypt.org;accounturi=https://ca.example/acct/123"
    at each of these names:
    _validation-persist.api.example.com
    _validation-persist.www.example.com

    Or for this certificate only:
    _acme-challenge.api.example.com TXT "gfj9Xq_Rg85nM"
    _acme-challenge.www.example.com TXT "gfj9Xq_Rg85nM"

    Or by HTTP: redirect
    http://<domain>/.well-known/acme-challenge/*
    to
    https://broker.example/acme/org-1/.well-known/acme-challenge/*

    api.example.com: seen 12:04:31 UTC: TXT
        _acme-challenge.api.example.com is "abc", expected "xyz" (at
        ns1.example.net).
    www.example.com: seen 12:04:31 UTC: nothing found yet: TXT
        _validation-persist.www.example.com: no such name (NXDOMAIN)
        at ns1.example.net.
    Each domain is checked every minute.

    Verified, 1 of 3: shop.example.com.
    The CloudFront distribution is made once every domain is proved:
    the name to CNAME them to is shown here then.
    "#);
}

#[test]
fn a_domain_whose_caa_records_are_in_the_way_needs_those_changed_and_nothing_else() {
    let mut proved = domain("www.example.com");
    proved.waiting_for = seen(with_caa(in_place("www.example.com", Method::Dns01)));
    insta::assert_snapshot!(describe(&waiting(vec![proved.clone()]), RESPONDER), @r#"
    Waiting for you: 1 of 1 domain needs a DNS record.

    www.example.com: proved; leave that as it is, and change its CAA
        records
      seen 12:04:31 UTC: it is proved by dns-01, but CAA example.com
        allows only "digicert.com" (at ns1.example.net): add CAA
        example.com 0 issue "letsencrypt.org".
    It is checked every minute.

    The CloudFront distribution is made once every domain is proved:
    the name to CNAME them to is shown here then.
    "#);
    // A domain that isn't proved either is shown with both problems, and comes before those that merely have no record.
    let mut both = domain("zzz.example.com");
    both.waiting_for = seen(with_caa(absent("zzz.example.com")));
    let text = describe(&view(vec![domain("api.example.com"), both, proved]), RESPONDER);
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, _)| name)
        .filter(|name| name.ends_with(".example.com") && !name.contains(' '))
        .collect();
    assert_eq!(
        names,
        ["www.example.com", "zzz.example.com", "api.example.com"],
        "{text}"
    );
    assert!(
        text.starts_with("Waiting for you: 3 of 3 domains need a DNS record.\nFor each of them any one of the ways")
    );
    assert!(text.contains("_acme-challenge.zzz.example.com TXT "), "{text}");
    assert!(!text.contains("_acme-challenge.www.example.com TXT "), "{text}");
}

#[test]
fn before_the_order_is_placed_it_is_said_what_will_be_shown_and_when() {
    let mut fresh = domain("www.example.com");
    fresh.step_state = None;
    let mut view = view(vec![fresh]);
    view.distribution_domain = None;
    view.steps = vec![StepView {
        kind: StepKind::PlaceOrder,
        waiting_for: Some(
            CaReason::OwnLimit {
                rate: "10 per 3h".into(),
                of: "new organizations".into(),
            }
            .into(),
        ),
        due_at: datetime!(2026-11-24 12:20 UTC),
    }];
    insta::assert_snapshot!(describe(&view, RESPONDER), @"
    Ordering the certificate for 1 domain (the CA allows at most 10
        per 3h of new organizations, and that many were made; next try
        12:20:00 UTC).
    Then this shows the DNS record for each domain.
    The CloudFront distribution is made once every domain is proved:
    the name to CNAME them to is shown here then.
    ");
}

/// A platform keeps showing for a minute what it reads at the moment of the request.
#[test]
fn the_first_answer_never_says_that_there_is_nothing_to_do() {
    let mut fresh = domain("www.example.com");
    fresh.step_state = None;
    let mut view = waiting(vec![fresh]);
    view.steps = vec![StepView {
        kind: StepKind::PlaceOrder,
        waiting_for: None,
        due_at: view.now,
    }];
    for (kind, says) in [
        (
            OperationKind::Provision,
            "In a minute this shows the DNS record for each domain.\n",
        ),
        (
            OperationKind::Update,
            "In a minute this shows which domains need a DNS record.\n",
        ),
    ] {
        view.kind = kind;
        let text = describe(&view, RESPONDER);
        let first = format!("Ordering the certificate for 1 domain.\n{says}");
        assert!(text.starts_with(&first), "{text}");
        assert!(!text.contains("Nothing for you"), "{text}");
    }
}

#[test]
fn no_text_repeats_itself_frightens_or_tells_a_time_that_is_past_when_it_is_read() {
    let mut deploying = view(vec![]);
    for (kind, reason) in [
        (StepKind::AwaitDeployment, AwsReason::Deploying),
        (StepKind::RetireCertificates, AwsReason::CertificateInUse),
    ] {
        for operation in [
            OperationKind::Provision,
            OperationKind::Update,
            OperationKind::Deprovision,
        ] {
            deploying.kind = operation;
            deploying.steps = vec![StepView {
                kind,
                waiting_for: Some(reason.clone().into()),
                due_at: deploying.now + time::Duration::seconds(45),
            }];
            let text = describe(&deploying, RESPONDER).to_lowercase();
            assert!(text.matches("deploying").count() <= 1, "{text}");
            assert!(!text.contains("deleting the certificate"), "{text}");
            assert!(!text.contains("12:05"), "{text}");
        }
    }
    let text = describe(&waiting(vec![domain("www.example.com")]), RESPONDER);
    assert!(
        text.starts_with("Waiting for you: 1 of 1 domain needs a DNS record.\nAny one of"),
        "{text}"
    );
    assert!(
        text.contains("It is checked every minute.") && !text.contains("12:05"),
        "{text}"
    );
}

#[test]
fn what_a_step_asks_of_the_user_is_the_users_move() {
    let mut moving = view(vec![]);
    moving.steps = vec![StepView {
        kind: StepKind::AttachCertificate,
        waiting_for: Some(
            AwsReason::AliasWantsTxt {
                domain: "a.example.com".into(),
                value: "d1.cloudfront.net".into(),
            }
            .into(),
        ),
        due_at: moving.now,
    }];
    let text = unfolded(&describe(&moving, RESPONDER));
    let first = "Waiting for you: CloudFront moves a.example.com from its other distribution once it finds TXT _a.example.com \
         \"d1.cloudfront.net\".\n";
    assert!(text.starts_with(first), "{text}");
    assert!(!text.contains("Nothing for you"), "{text}");
}

#[test]
fn a_domain_that_the_ca_turned_down_comes_first_with_its_words() {
    let mut rejected = domain("zzz.example.com");
    rejected.ca_said = Some("During secondary validation: No TXT record found".into());
    let text = describe(&view(vec![domain("www.example.com"), rejected]), RESPONDER);
    let records: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("_acme-challenge."))
        .collect();
    assert!(records[0].starts_with("_acme-challenge.zzz."), "{text}");
    let about = text.lines().find(|line| line.contains(".example.com: "));
    assert!(
        about.unwrap().starts_with("zzz.example.com: the CA rejected it: "),
        "{text}"
    );
    assert!(unfolded(&text).contains("the CA rejected it: During secondary validation: No TXT record found"));
}

#[test]
fn while_a_new_order_is_placed_the_cas_words_and_what_to_mend_are_still_told() {
    let mut rejected = domain("zzz.example.com");
    rejected.ca_said = Some("No TXT records found for DNS-PERSIST-01 challenge".into());
    let mut view = waiting(vec![domain("www.example.com"), rejected]);
    // The new round has no steps yet, and no values of dns-01 and http-01.
    for domain in &mut view.domains {
        (domain.step_state, domain.waiting_for, domain.checked_at) = (None, None, None);
        (domain.due_at, domain.challenges_are_new) = (None, false);
    }
    let domain = "zzz.example.com".to_owned();
    view.order_spent = Some(Spent::OneTurnedDown { domain }.into());
    view.steps = vec![StepView {
        kind: StepKind::PlaceOrder,
        waiting_for: Some(CaReason::Pause { order: 3 }.into()),
        due_at: datetime!(2026-11-24 12:05 UTC),
    }];
    insta::assert_snapshot!(describe(&view, RESPONDER), @r#"
    Waiting for you: the CA rejected 1 of 2 domains.
    Fix what it says; a new order is being placed.

    Set once, good for every later certificate:
    _validation-persist.zzz.example.com TXT "letsencrypt.org;accounturi=https://ca.example/acct/123"

    Or by a value of the new order, which is shown here once it is
        placed.

    zzz.example.com: the CA rejected it: No TXT records found for
        DNS-PERSIST-01 challenge

    The previous order failed: the CA rejected zzz.example.com.
    Meanwhile: Ordering the certificate (order 3 follows 2 that
        failed).
    The CloudFront distribution is made once every domain is proved:
    the name to CNAME them to is shown here then.
    "#);
    // Before an operation's first order the CA has rejected nothing in it, and an update may need no order at all.
    view.order_spent = None;
    assert!(describe(&view, RESPONDER).starts_with("Ordering the certificate for 2 domains ("));
}

#[test]
fn a_hundred_long_domains_stay_readable_and_within_what_a_platform_keeps() {
    let long = |i: usize| format!("{}-{i}.{}.example.com", "a".repeat(55), "b".repeat(60));
    let text = describe(&waiting((0..100).map(|i| domain(&long(i))).collect()), RESPONDER);
    assert!(text.len() <= MOST_BYTES, "{}", text.len());
    assert!(text.starts_with("Waiting for you: 100 of 100 domains need"));
    let told = text.lines().filter(|line| line.starts_with("_acme-challenge.")).count();
    assert!((40..100).contains(&told), "{told} of them: {text}");
    let rest = format!("and {} more like these, shown once some are verified: ", 100 - told);
    assert!(unfolded(&text).contains(&rest), "the rest is counted: {text}");
    assert!(
        text.contains("is made once every domain is proved"),
        "the end is not cut off: {text}"
    );
}

#[test]
fn of_many_those_whose_servers_want_mending_come_first_and_those_not_looked_at_last() {
    let mut many: Vec<DomainView> = (0..100).map(|i| domain(&format!("shop-{i:02}.example.com"))).collect();
    for unseen in &mut many[..50] {
        (unseen.waiting_for, unseen.checked_at) = (None, None);
    }
    many[99].waiting_for = seen(slow("shop-99.example.com"));
    let text = unfolded(&describe(&waiting(many), RESPONDER));
    let about: Vec<&str> = text.lines().filter(|line| line.contains(".example.com: ")).collect();
    assert!(
        about[0].starts_with("shop-99.example.com: seen ") && about[0].contains("the check ran into its time limit"),
        "{text}"
    );
    assert!(about[1].starts_with("shop-50.example.com: seen "), "{text}");
    assert!(text.contains("\n50 more: not checked yet.\n"), "{text}");
}

#[test]
fn an_ended_operation_says_the_end() {
    let mut view = view(vec![domain("www.example.com")]);
    view.state = OperationState::Succeeded;
    view.certificate_not_after = Some(datetime!(2027-02-22 12:00 UTC));
    insta::assert_snapshot!(describe(&view, RESPONDER), @"
    https://www.example.com is ready: CNAME it to
    d111111abcdef8.cloudfront.net
    The certificate is renewed by itself before 2027-02-22.
    ");
    view.state = OperationState::Failed;
    view.failure = Some("www.example.com belongs to another distribution.".into());
    assert_eq!(
        describe(&view, RESPONDER),
        "www.example.com belongs to another distribution."
    );
}

#[test]
fn a_wildcard_and_its_apex_need_one_standing_record() {
    let mut view = view(vec![
        domain("*.example.com"),
        domain("example.com"),
        domain("example.org"),
    ]);
    let text = describe(&view, RESPONDER);
    let record = "_validation-persist.example.com TXT \"letsencrypt.org;accounturi=https://ca.example/acct/123;policy=wildcard\"";
    assert_eq!(text.matches(record).count(), 1, "one for both: {text}");
    let own = "_validation-persist.example.org TXT \"letsencrypt.org;accounturi=https://ca.example/acct/123\"\n";
    assert!(text.contains(own), "example.org has its own: {text}");
    assert_eq!(text.matches("\n_acme-challenge.example.com TXT ").count(), 2, "{text}");
    assert!(text.contains("Or by HTTP, where it is no wildcard: redirect"), "{text}");
    assert!(
        !text.contains("_validation-persist.*") && !text.contains("http://*"),
        "{text}"
    );
    view.domains.truncate(1);
    view.state = OperationState::Succeeded;
    assert!(describe(&view, RESPONDER).starts_with("*.example.com is ready: CNAME it to\nd111"));
}

#[test]
fn a_record_that_only_has_to_spread_needs_nobody_and_another_day_is_named() {
    let mut spreading = domain("www.example.com");
    spreading.waiting_for = seen(Look {
        settles_ms: Some(30_000),
        ..in_place("www.example.com", Method::Dns01)
    });
    let mut resting = domain("api.example.com");
    resting.due_at = Some(datetime!(2026-11-25 00:15 UTC));
    let mut view = view(vec![spreading, resting]);
    let domain = "api.example.com".to_owned();
    view.order_spent = Some(Spent::OneTurnedDown { domain }.into());
    let text = describe(&view, RESPONDER);
    assert!(text.starts_with("Waiting for you: 1 of 2 domains needs"), "{text}");
    assert!(
        unfolded(&text).contains("\nIn place, waiting for a time that the operator has set: www.example.com."),
        "{text}"
    );
    assert!(text.contains("Next check 2026-11-25 00:15 UTC."), "{text}");
    assert!(
        unfolded(&text).contains("\nThe previous order failed: the CA rejected api.example.com."),
        "{text}"
    );
}

#[test]
fn both_are_told_when_a_domain_goes_over_and_what_keeps_it() {
    let at = datetime!(2026-11-25 12:04:40 UTC);
    let mut asks = domain("www.example.com");
    asks.waiting_for = seen(Look {
        contested: true,
        ..in_place("www.example.com", Method::DnsPersist01)
    });
    asks.wins_at = Some(at);
    insta::assert_snapshot!(describe(&waiting(vec![asks]), RESPONDER), @"
    Nothing for you to do now.
    Continuing in a moment.
    www.example.com: in place; another service instance has it so far,
        and nothing proves it for that one any more. It becomes yours
        at 2026-11-25 12:04 UTC, if nothing changes: leave your record
        in place.
    The CloudFront distribution is made once every domain is proved:
    the name to CNAME them to is shown here then.
    ");
    let mut has = domain("www.example.com");
    (has.step_state, has.loses_at) = (Some(StepState::Done), Some(at));
    let mut lost = domain("shop.example.com");
    (lost.step_state, lost.lost_at) = (Some(StepState::Done), Some(datetime!(2026-11-23 08:00 UTC)));
    let mut served = view(vec![has, lost]);
    served.state = OperationState::Succeeded;
    insta::assert_snapshot!(describe(&served, RESPONDER), @r#"
    2 domains are ready: CNAME each to
    d111111abcdef8.cloudfront.net
    Another service instance has proved www.example.com, and nothing
        proves it for this one any more: it moves there at 2026-11-25
        12:04 UTC. To keep it, set one of these:
    www.example.com CNAME d111111abcdef8.cloudfront.net
    _validation-persist.www.example.com TXT "letsencrypt.org;accounturi=https://ca.example/acct/123"
    shop.example.com was proved by another service instance and has
        belonged to it since 2026-11-23 08:00 UTC: leave
        shop.example.com out of this one's domains.
    "#);
}

#[test]
fn the_name_to_point_at_is_shown_as_soon_as_there_is_one() {
    let mut proved = domain("www.example.com");
    proved.step_state = Some(StepState::Done);
    let mut deploying = view(vec![proved]);
    deploying.steps = vec![StepView {
        kind: StepKind::AwaitDeployment,
        waiting_for: None,
        due_at: datetime!(2026-11-24 12:05 UTC),
    }];
    insta::assert_snapshot!(describe(&deploying, RESPONDER), @r#"
    Nothing for you to do now.
    CloudFront is deploying, which takes minutes.
    Then: CNAME each domain to
    d111111abcdef8.cloudfront.net
    once this says "succeeded" (before that CloudFront answers 403).
    "#);
}

#[test]
fn an_update_says_when_it_gives_up_on_a_domain_that_was_never_seen() {
    let mut mistyped = domain("www.exmaple.com");
    mistyped.gives_up_at = Some(datetime!(2026-11-24 18:00 UTC));
    let mut update = view(vec![mistyped]);
    update.kind = OperationKind::Update;
    let text = describe(&update, RESPONDER);
    assert!(
        unfolded(&text)
            .contains("If it is not seen in place by 18:00:00 UTC, this update ends by itself and changes nothing."),
        "{text}"
    );
}

#[test]
fn a_record_that_is_gone_between_renewals_is_told_with_what_to_set() {
    let mut gone = domain("www.example.com");
    gone.step_state = Some(StepState::Done);
    gone.proof_gone_at = Some(datetime!(2026-11-24 10:00 UTC));
    gone.proof_seen = seen(absent("www.example.com"));
    let mut served = view(vec![gone]);
    served.state = OperationState::Succeeded;
    let text = describe(&served, RESPONDER);
    assert!(text.contains("is ready"), "nothing has ended: {text}");
    let told = ownership(&served);
    assert!(
        told.contains("Nothing proves www.example.com any more since 2026-11-24 10:00 UTC: nothing found yet: TXT"),
        "{told}"
    );
    assert!(
        told.contains(
            "\n_validation-persist.www.example.com TXT \"letsencrypt.org;accounturi=https://ca.example/acct/123\""
        ),
        "{told}"
    );
    assert!(
        !told.contains("_acme-challenge"),
        "a value of an order is worth nothing: {told}"
    );
}

#[test]
fn an_order_at_another_ca_names_it() {
    let mut view = waiting(vec![domain("www.example.com")]);
    assert!(!describe(&view, RESPONDER).contains("this time"));
    view.fallback_to = Some("https://dv.acme-v02.api.pki.goog/directory".into());
    let text = unfolded(&describe(&view, RESPONDER));
    let told = "The certificate is ordered from dv.acme-v02.api.pki.goog this time: the CA that comes first takes no order now.";
    assert!(text.contains(told), "{text}");
}

#[test]
fn the_cname_is_offered_first_where_the_ca_has_no_record_that_is_set_once_and_after_it_where_it_has() {
    let delegated = Challenge::DelegatedDns01(DelegatedDns01 {
        target: "x7k2.acme.example".into(),
        value: "gfj9Xq_Rg85nM".into(),
        only_by_cname: false,
    });
    let all = |domain: &DomainView| domain.challenges.clone().unwrap_or_default();
    for (persist, order) in [
        (
            true,
            [
                "_validation-persist.www.example.com",
                "_acme-challenge.www.example.com CNAME",
                "/.well-known/acme-challenge/",
            ]
            .as_slice(),
        ),
        (
            false,
            ["_acme-challenge.www.example.com CNAME", "/.well-known/acme-challenge/"].as_slice(),
        ),
    ] {
        let mut www = domain("www.example.com");
        let offered = all(&www);
        www.challenges = Some(
            Method::ALL
                .into_iter()
                .filter_map(|method| match method {
                    Method::DelegatedDns01 => Some(delegated.clone()),
                    Method::Dns01 => None,
                    Method::DnsPersist01 if !persist => None,
                    other => offered.get(other).cloned(),
                })
                .collect(),
        );
        let text = unfolded(&describe(&waiting(vec![www]), RESPONDER));
        let places: Vec<_> = order.iter().map(|record| text.find(record)).collect();
        assert!(
            places.iter().all(Option::is_some) && places.is_sorted(),
            "{places:?}: {text}"
        );
    }
}
