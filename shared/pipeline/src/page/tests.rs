use serde_json::json;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::*;
use crate::instance::InstanceSettings;
use crate::operation::OperationState;
use crate::proof::examples::challenges;
use crate::proof::{Challenge, Challenges, DelegatedDns01, Method};
use crate::reason::examples::{absent, in_place, seen, with_caa, wrong};
use crate::reason::{AwsReason, CaReason, Reason, Request, Spent};
use crate::records::{Data, RecordSet};
use crate::renewal::RenewBy;
use crate::status::examples::{domain, waiting};
use crate::status::{DomainView, StepView, Whose, describe, unfolded};
use crate::step::{StepKind, StepState};

const NOW: OffsetDateTime = datetime!(2026-11-24 12:04:40 UTC);
const RESPONDER: &str = "https://broker.example";
const TARGET: &str = "d111111abcdef8.cloudfront.net";

fn verified(name: &str) -> DomainView {
    DomainView {
        step_state: Some(StepState::Done),
        method: Some(Method::DnsPersist01),
        ..domain(name)
    }
}

fn view(kind: OperationKind, state: OperationState, domains: Vec<DomainView>) -> View {
    View {
        kind,
        state,
        ..waiting(domains)
    }
}

fn operation(kind: OperationKind, state: OperationState, stages: Vec<StageFacts>) -> OperationFacts {
    OperationFacts {
        id: Uuid::from_u128(1),
        kind,
        state,
        failure: None,
        identity: None,
        new_certificate: false,
        changes: Vec::new(),
        function: false,
        created_at: NOW - Duration::minutes(3),
        ended_at: None,
        stages,
        news: Vec::new(),
    }
}

fn stage(kind: StepKind, count: u32, done: u32) -> StageFacts {
    StageFacts {
        kind,
        count,
        done,
        waiting: count - done,
        failed: 0,
        begun_at: NOW - Duration::minutes(2),
        ended_at: (count == done).then_some(NOW - Duration::minutes(1)),
    }
}

fn page(status: View, operations: Vec<OperationFacts>) -> Page {
    let claims = status.domains.iter().map(|domain| ClaimFacts {
        domain: domain.domain.clone(),
        proved: domain.step_state != Some(StepState::Waiting),
        asked_elsewhere: false,
        proof_checked_at: None,
    });
    let waiting = |domain: &&DomainView| domain.step_state == Some(StepState::Waiting);
    let looks = status.domains.iter().filter(waiting).map(|domain| LookFacts {
        domain: domain.domain.clone(),
        asked_at: None,
        published: true,
        again_at: domain.checked_at.map(|at| at + Duration::seconds(10)),
        held_until: None,
    });
    Page {
        facts: Facts {
            settings: InstanceSettings::default(),
            adopted: false,
            renewal: None,
            operations,
            certificate: None,
            earlier: Vec::new(),
            claims: claims.collect(),
            looks: looks.collect(),
            proofs: Vec::new(),
            usual: Vec::new(),
            outside: None,
        },
        status,
        renewal: None,
    }
}

fn running(domains: Vec<DomainView>) -> Page {
    page(
        view(OperationKind::Provision, OperationState::Running, domains),
        Vec::new(),
    )
}

fn standings(page: &Page) -> Vec<(Group, String, Standing)> {
    let groups = page.domains(RESPONDER).into_iter();
    groups
        .flat_map(|group| {
            group
                .rows
                .into_iter()
                .map(move |row| (group.group, row.name.ascii, row.standing))
        })
        .collect()
}

#[test]
fn the_page_begins_as_the_text_does_in_every_state() {
    let mut cases = Vec::new();
    for kind in OperationKind::ALL {
        for state in [
            OperationState::Running,
            OperationState::Succeeded,
            OperationState::Failed,
            OperationState::Superseded,
        ] {
            cases.push(view(
                kind,
                state,
                vec![domain("www.example.com"), verified("example.org")],
            ));
            let mut done = view(kind, state, vec![verified("*.example.com")]);
            done.distribution_domain = Some(TARGET.to_owned());
            done.failure = Some("a.example.com belongs to another one.\nLeave it out.".to_owned());
            done.steps = vec![StepView {
                kind: StepKind::AwaitDeployment,
                waiting_for: Some(AwsReason::Deploying.into()),
                due_at: NOW,
            }];
            cases.push(done);
        }
    }
    for view in cases {
        let text = unfolded(&describe(&view, RESPONDER));
        let page = page(view, Vec::new());
        assert_eq!(text.lines().next(), Some(page.now().says[0].as_str()), "{text}");
    }
}

#[test]
fn who_has_to_act_is_said_with_what_is_waited_for() {
    let needy = running(vec![domain("www.example.com"), verified("example.org")]).now();
    assert_eq!(needy.whose, Whose::Yours);
    assert_eq!(
        needy.says,
        [
            "Waiting for you: 1 of 2 domains needs a DNS record.",
            "Any one of the ways shown is enough."
        ]
    );
    let mut deploying = view(OperationKind::Update, OperationState::Running, vec![]);
    deploying.steps = vec![StepView {
        kind: StepKind::AwaitDeployment,
        waiting_for: None,
        due_at: NOW,
    }];
    let busy = page(deploying, Vec::new()).now();
    assert_eq!((busy.whose, busy.whose_move()), (Whose::Brokers, "In progress"));
    let mut done = view(
        OperationKind::Provision,
        OperationState::Succeeded,
        vec![verified("a.example.com")],
    );
    done.distribution_domain = Some(TARGET.to_owned());
    done.certificate_not_after = Some(datetime!(2027-02-22 12:00 UTC));
    let done = page(done, Vec::new()).now();
    assert_eq!(done.target.as_deref(), Some(TARGET));
    assert_eq!(done.notes, ["The certificate is renewed by itself before 2027-02-22."]);
}

#[test]
fn the_stages_are_the_plans_with_how_far_each_is() {
    let stages = vec![
        stage(StepKind::PlaceOrder, 1, 1),
        stage(StepKind::PublishChallenges, 1, 0),
        stage(StepKind::VerifyChallenge, 3, 2),
    ];
    let operation = operation(OperationKind::Provision, OperationState::Running, stages);
    let status = view(OperationKind::Provision, OperationState::Running, vec![]);
    let mut page = page(status, vec![operation]);
    let usual = |operation: OperationKind, step: StepKind| UsualFacts {
        operation: operation.as_str().to_owned(),
        step: step.as_str().to_owned(),
        successes: 200,
        p50: 120.0,
        p90: 300.0,
    };
    page.facts.usual = vec![
        usual(OperationKind::Provision, StepKind::PlaceOrder),
        usual(OperationKind::Provision, StepKind::AwaitDeployment),
        usual(OperationKind::Update, StepKind::FinalizeOrder),
    ];
    let told: Vec<String> = page
        .now()
        .stages
        .iter()
        .map(|stage| {
            let parts = [
                Some(stage.state.label().to_owned()),
                stage.count.clone(),
                stage.time.clone(),
                stage.usual.clone(),
            ];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            format!("{}: {}", stage.what, parts.join(", "))
        })
        .collect();
    let expected = [
        "Ordering the certificate: done, took 1 min, usually 2 to 5 min",
        "Publishing the CA's values in the broker's DNS zone: now, for 2 min so far",
        "Checking the domains: now, 2 of 3, for 2 min so far",
        "Asking the CA to verify the domains: later",
        "The CA is verifying the domains: later",
        "The CA is issuing the certificate: later",
        "Uploading the certificate: later",
        "Making the CloudFront distribution: later",
        "CloudFront is deploying, which takes minutes: later, usually 2 to 5 min",
    ];
    assert_eq!(told, expected);
}

#[test]
fn an_operation_that_ended_shows_where() {
    let mut failed = stage(StepKind::VerifyChallenge, 2, 1);
    (failed.waiting, failed.failed) = (0, 1);
    let stages = vec![stage(StepKind::PlaceOrder, 1, 1), failed];
    let operation = operation(OperationKind::Renew, OperationState::Failed, stages);
    let status = view(OperationKind::Renew, OperationState::Failed, vec![]);
    let facts = page(status.clone(), Vec::new()).facts;
    let now = Now::of(&status, Some(&operation), &facts);
    let states: Vec<StageState> = now.stages.iter().map(|stage| stage.state).collect();
    assert_eq!(
        states[..3],
        [StageState::Done, StageState::Failed, StageState::NotReached]
    );
}

#[test]
fn each_domain_stands_where_it_was_seen_and_those_with_a_problem_come_first() {
    let mut mistyped = domain("api.example.com");
    mistyped.waiting_for = seen(wrong("api.example.com", "abc", "xyz"));
    let mut rejected = domain("zzz.example.com");
    rejected.ca_said = Some("No TXT record found".to_owned());
    let mut held = domain("caa.example.com");
    held.waiting_for = seen(with_caa(in_place("caa.example.com", Method::Dns01)));
    let mut settling = domain("wait.example.com");
    settling.waiting_for = seen(in_place("wait.example.com", Method::Dns01));
    let page = running(vec![
        mistyped,
        held,
        domain("nothing.example.com"),
        verified("shop.example.com"),
        settling,
        rejected,
    ]);
    let expected = [
        (Group::NeedsYou, "zzz.example.com", Standing::Rejected),
        (Group::NeedsYou, "api.example.com", Standing::NotInPlace),
        (Group::NeedsYou, "caa.example.com", Standing::CaaForbids),
        (Group::NeedsYou, "nothing.example.com", Standing::NothingFound),
        (Group::InProgress, "wait.example.com", Standing::InPlace),
        (Group::Verified, "shop.example.com", Standing::Verified),
    ];
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(group, name, standing)| (group, name.to_owned(), standing))
        .collect();
    assert_eq!(standings(&page), expected);
}

#[test]
fn a_domain_shows_what_to_set_the_set_once_way_first_and_what_was_seen() {
    let groups = running(vec![domain("www.example.com")]).domains(RESPONDER);
    let row = &groups[0].rows[0];
    let ways: Vec<(&str, &str, &str, &str)> = row
        .ways
        .iter()
        .map(|way| {
            let RecordRow { kind, name, value } = &way.record;
            (way.heading.as_str(), *kind, name.as_str(), value.as_str())
        })
        .collect();
    let expected = [
        (
            "Set once, good for every later certificate:",
            "TXT",
            "_validation-persist.www.example.com",
            "letsencrypt.org;accounturi=https://ca.example/acct/123",
        ),
        (
            "Or for this certificate only:",
            "TXT",
            "_acme-challenge.www.example.com",
            "gfj9Xq_Rg85nM",
        ),
        (
            "Or by HTTP: redirect",
            "redirect",
            "http://www.example.com/.well-known/acme-challenge/*",
            "https://broker.example/acme/org-1/.well-known/acme-challenge/*",
        ),
    ];
    assert_eq!(ways, expected);
    let seen = row.seen.as_ref().unwrap();
    assert_eq!(seen.at, "12:04:31 UTC");
    assert!(
        seen.found.contains("NXDOMAIN") && seen.found.contains("ns1.example.net"),
        "{seen:?}"
    );
    assert_eq!(row.next_look.as_deref(), Some("12:05:16 UTC"));
}

#[test]
fn a_domain_that_waits_can_be_checked_now_until_that_is_asked_for() {
    let mut page = running(vec![domain("www.example.com"), verified("shop.example.com")]);
    let row = |page: &Page, name: &str| {
        let groups = page.domains(RESPONDER).into_iter();
        let mut rows = groups.flat_map(|group| group.rows);
        rows.find(|row| row.name.ascii == name).unwrap()
    };
    assert!(row(&page, "www.example.com").check.is_offered);
    let verified = row(&page, "shop.example.com").check;
    assert!(
        !verified.is_offered && verified.says.is_some(),
        "it says why: {verified:?}"
    );
    page.facts.looks[0].asked_at = Some(NOW);
    let asked = row(&page, "www.example.com");
    assert!(asked.check.is_asked_for && !asked.check.is_offered, "{asked:?}");
    assert_eq!(asked.next_look, None, "what was planned is over");
}

#[test]
fn what_proves_a_domain_is_shown_with_whether_it_has_to_stay() {
    let proof = |page: &Page| page.domains(RESPONDER)[0].rows[0].proof.clone().unwrap();
    let once = running(vec![verified("www.example.com")]);
    assert!(
        proof(&once).keep.starts_with("Leave it in place: "),
        "{:?}",
        proof(&once)
    );
    let by_value = DomainView {
        method: Some(Method::Dns01),
        ..verified("www.example.com")
    };
    let page_of = |state| {
        page(
            view(OperationKind::Provision, state, vec![by_value.clone()]),
            Vec::new(),
        )
    };
    assert!(
        proof(&page_of(OperationState::Running))
            .keep
            .contains("until there is a certificate")
    );
    assert!(
        proof(&page_of(OperationState::Succeeded))
            .keep
            .contains("no longer needed")
    );
    // An update of settings asks for nothing: what proved the domain before is shown.
    let mut served = verified("www.example.com");
    (served.step_state, served.challenges, served.method) = (None, None, None);
    let mut later = page(
        view(OperationKind::Update, OperationState::Succeeded, vec![served]),
        Vec::new(),
    );
    later.facts.proofs = vec![ProofFacts {
        domain: "www.example.com".to_owned(),
        method: Method::DnsPersist01,
        challenges: Some(challenges("https://ca.example/acct/123", "old", "www.example.com")),
    }];
    later.facts.claims[0].proof_checked_at = Some(NOW - Duration::DAY);
    let proof = proof(&later);
    assert_eq!(proof.record.name, "_validation-persist.www.example.com");
    assert_eq!(proof.looked_at.as_deref(), Some("2026-11-23 12:04 UTC"));
}

#[test]
fn what_threatens_a_domain_is_said_with_what_keeps_it() {
    let mut moves = verified("www.example.com");
    moves.loses_at = Some(NOW + Duration::DAY);
    let mut lost = verified("shop.example.com");
    lost.lost_at = Some(NOW - Duration::DAY);
    let mut status = view(
        OperationKind::Provision,
        OperationState::Succeeded,
        vec![verified("api.example.com"), lost, moves],
    );
    status.distribution_domain = Some(TARGET.to_owned());
    let mut page = page(status, Vec::new());
    page.facts.claims[0].asked_elsewhere = true;
    let rows: Vec<DomainRow> = page
        .domains(RESPONDER)
        .into_iter()
        .flat_map(|group| group.rows)
        .collect();
    let row = |name: &str| rows.iter().find(|row| row.name.ascii == name).unwrap();
    assert_eq!(row("www.example.com").standing, Standing::Moves);
    assert_eq!(row("www.example.com").ways[0].record.value, TARGET);
    assert!(
        row("www.example.com").ways[1]
            .record
            .name
            .starts_with("_validation-persist.")
    );
    assert_eq!(row("shop.example.com").standing, Standing::Lost);
    assert!(row("shop.example.com").notes[0].contains("leave shop.example.com out"));
    assert!(row("api.example.com").notes[0].starts_with("Another service instance requests this domain"));
    assert_eq!(page.distribution().aliases.len(), 2, "what was lost leads elsewhere");
}

#[test]
fn an_update_that_runs_comes_before_a_renewal_that_failed() {
    let status = view(
        OperationKind::Update,
        OperationState::Running,
        vec![domain("new.example.com")],
    );
    let mut failed = domain("old.example.com");
    failed.step_state = Some(StepState::Failed);
    let mut page = page(status, Vec::new());
    page.renewal = Some(view(OperationKind::Renew, OperationState::Failed, vec![failed]));
    let of = |name: &str, standing| vec![(Group::NeedsYou, name.to_owned(), standing)];
    assert_eq!(standings(&page), of("new.example.com", Standing::NothingFound));
    assert!(page.renewal_now().is_some(), "but it is told");
    page.status.state = OperationState::Succeeded;
    assert_eq!(standings(&page), of("old.example.com", Standing::NotProved));
}

#[test]
fn nothing_is_asked_for_once_the_service_is_to_be_deleted() {
    let mut gone = verified("www.example.com");
    (gone.step_state, gone.proof_gone_at) = (None, Some(NOW - Duration::DAY));
    for (state, standing) in [
        (OperationState::Running, Standing::BeingRemoved),
        (OperationState::Failed, Standing::NotRemoved),
    ] {
        let mut status = view(OperationKind::Deprovision, state, vec![gone.clone()]);
        status.distribution_domain = Some(TARGET.to_owned());
        let mut page = page(status, Vec::new());
        page.renewal = Some(view(OperationKind::Renew, OperationState::Failed, vec![gone.clone()]));
        let groups = page.domains(RESPONDER);
        let row = &groups[0].rows[0];
        assert_eq!(row.standing, standing);
        assert!(row.notes.is_empty() && row.ways.is_empty(), "{row:?}");
        assert!(page.distribution().aliases.is_empty() && page.records().is_empty());
        assert!(page.renewal_now().is_none());
    }
}

#[test]
fn what_an_operation_saw_and_what_was_seen_since_are_not_told_together() {
    let mut gone = verified("www.example.com");
    gone.waiting_for = seen(in_place("www.example.com", Method::DnsPersist01));
    gone.proof_gone_at = Some(NOW - Duration::DAY);
    let row = |state| {
        let page = page(view(OperationKind::Provision, state, vec![gone.clone()]), Vec::new());
        page.domains(RESPONDER).remove(0).rows.remove(0)
    };
    let since = row(OperationState::Succeeded);
    assert_eq!((since.standing, &since.seen), (Standing::ProofGone, &None));
    assert!(since.notes[0].starts_with("Nothing proves www.example.com any more"));
    assert!(!since.ways.is_empty());
    let now = row(OperationState::Running);
    assert_eq!(now.standing, Standing::Verified);
    assert!(now.notes.is_empty(), "{now:?}");
}

#[test]
fn what_the_next_order_needs_is_said_after_what_may_be_set_now() {
    let mut rejected = domain("www.example.com");
    (rejected.step_state, rejected.waiting_for) = (None, None);
    rejected.challenges_are_new = false;
    rejected.ca_said = Some("No TXT record found".to_owned());
    let mut page = running(vec![rejected]);
    page.status.order_spent = Some(Spent::KeyChanged.into());
    page.status.steps = vec![StepView {
        kind: StepKind::PlaceOrder,
        waiting_for: None,
        due_at: NOW,
    }];
    let row = page.domains(RESPONDER).remove(0).rows.remove(0);
    assert_eq!(row.standing, Standing::Rejected);
    assert_eq!(row.notes, ["The CA rejected it: No TXT record found"]);
    assert_eq!(row.ways.len(), 1);
    assert_eq!(
        row.later.as_deref(),
        Some("Or by a value of the new order, which is shown here once it is placed.")
    );
}

#[test]
fn a_domain_that_is_served_and_in_place_needs_nobody_when_another_one_fails() {
    let cancelled = |seen| DomainView {
        step_state: Some(StepState::Cancelled),
        waiting_for: seen,
        ..domain("www.example.com")
    };
    let standing = |domain| {
        let status = view(OperationKind::Renew, OperationState::Failed, vec![domain]);
        standings(&page(status, Vec::new())).remove(0).2
    };
    let settled = cancelled(seen(in_place("www.example.com", Method::Dns01)));
    assert_eq!(standing(settled), Standing::Served);
    assert_eq!(
        standing(cancelled(seen(absent("www.example.com")))),
        Standing::NotProved
    );
}

#[test]
fn a_life_is_a_bar_with_its_renewal_marked() {
    let begin = NOW - Duration::days(30);
    let certificate = CertificateFacts {
        names: vec!["www.example.com".to_owned()],
        chain_pem: String::new(),
        not_before: begin,
        not_after: begin + Duration::days(90),
        renew_at: Some(begin + Duration::days(60)),
        renew_by: None,
        attached_at: Some(begin),
        retired_at: None,
        revoked_at: None,
    };
    let mut page = running(vec![]);
    page.facts.certificate = Some(certificate.clone());
    let validity = page.certificate().unwrap();
    assert_eq!((validity.life.over, validity.life.renewal), (33, Some(66)));
    assert_eq!(validity.left, "Valid for 60 d more.");
    assert_eq!(
        validity.renewal,
        "It is renewed by itself at 2026-12-24 12:04 UTC, in 30 d."
    );
    for (by, why) in [
        (RenewBy::Ca, "The CA has suggested that time."),
        (
            RenewBy::Share,
            "Your operator has set after which share of its life it is renewed.",
        ),
        (RenewBy::Operator, "Your operator has asked for it."),
    ] {
        page.facts.certificate = Some(CertificateFacts {
            renew_by: Some(by),
            ..certificate.clone()
        });
        let renewal = page.certificate().unwrap().renewal;
        assert_eq!(renewal, format!("{} {why}", validity.renewal));
    }
    page.facts.certificate = Some(CertificateFacts {
        not_after: NOW - Duration::HOUR,
        renew_at: None,
        ..certificate
    });
    let ended = page.certificate().unwrap();
    assert_eq!((ended.life.over, ended.left.as_str()), (100, "It expired 1 h ago."));
}

#[test]
fn the_history_names_who_asked_as_far_as_it_is_told() {
    let of = |kind, identity| OperationFacts {
        identity,
        ended_at: Some(NOW),
        ..operation(kind, OperationState::Succeeded, Vec::new())
    };
    let page = page(
        view(OperationKind::Update, OperationState::Succeeded, vec![]),
        vec![
            of(
                OperationKind::Update,
                Some(json!({"platform": "cloudfoundry", "value": {"user_id": "683e\u{202e}a748"}})),
            ),
            of(OperationKind::Update, Some(json!({"unreadable": "x"}))),
            of(OperationKind::Renew, None),
            of(
                OperationKind::Provision,
                Some(json!({"platform": "kubernetes", "value": {"username": "duke"}})),
            ),
        ],
    );
    let told: Vec<(&str, String)> = page.history().into_iter().map(|row| (row.what, row.who)).collect();
    let expected = [
        ("Update", "user 683e\\u{202e}a748"),
        ("Update", "not told by the platform"),
        ("Renewal", "the broker, by itself"),
        ("Creation", "user duke"),
    ];
    let expected: Vec<(&str, String)> = expected.map(|(what, who)| (what, who.to_owned())).into();
    assert_eq!(told, expected);
    assert_eq!(page.history()[0].took, "3 min");
}

#[test]
fn a_certificate_without_a_domain_of_its_own_is_not_renewed_and_text_and_page_say_so() {
    let lost = |name: &str| DomainView {
        lost_at: Some(NOW - Duration::DAY),
        ..verified(name)
    };
    let of = |domains| {
        let mut status = view(OperationKind::Provision, OperationState::Succeeded, domains);
        status.distribution_domain = Some(TARGET.to_owned());
        status.certificate_not_after = Some(datetime!(2027-02-22 12:00 UTC));
        let mut page = page(status, Vec::new());
        page.facts.certificate = Some(CertificateFacts {
            names: vec!["www.example.com".to_owned()],
            chain_pem: String::new(),
            not_before: NOW - Duration::days(30),
            not_after: NOW + Duration::days(60),
            renew_at: Some(NOW + Duration::days(30)),
            renew_by: Some(RenewBy::Ca),
            attached_at: None,
            retired_at: None,
            revoked_at: None,
        });
        page
    };
    const NO_MORE: &str = "It is not renewed any more: none of its domains belongs to this service now.";
    let page = of(vec![lost("www.example.com"), lost("shop.example.com")]);
    let said = format!("The certificate is valid until 2027-02-22. {NO_MORE}");
    assert!(unfolded(&describe(&page.status, RESPONDER)).contains(&said));
    assert_eq!(page.now().notes, [said]);
    let validity = page.certificate().unwrap();
    assert_eq!((validity.renewal.as_str(), validity.life.renewal), (NO_MORE, None));

    // What is left is renewed.
    let page = of(vec![lost("www.example.com"), verified("shop.example.com")]);
    assert!(unfolded(&describe(&page.status, RESPONDER)).contains("renewed by itself before 2027-02-22"));
    assert!(
        page.certificate()
            .unwrap()
            .renewal
            .starts_with("It is renewed by itself at")
    );
}

#[test]
fn the_history_has_what_was_asked_for_and_what_each_attempt_saw_that_was_new() {
    let news = |kind, subject: &str, reason: Option<Reason>| NewsFacts {
        kind,
        subject: subject.to_owned(),
        at: datetime!(2026-11-24 12:04:31 UTC),
        reason,
    };
    let change = Change {
        parameter: "http3".to_owned(),
        says: "HTTP/3 is offered in addition to HTTP/2".to_owned(),
    };
    let limited = CaReason::Limits {
        request: Request::PlaceOrder,
        said: "too many".to_owned(),
    };
    let mut update = operation(OperationKind::Update, OperationState::Running, Vec::new());
    update.changes = vec![change.clone()];
    update.news = vec![
        news(StepKind::AwaitDeployment, "", Some(AwsReason::Deploying.into())),
        news(
            StepKind::VerifyChallenge,
            "www.example.com",
            seen(absent("www.example.com")),
        ),
        news(StepKind::PlaceOrder, "", Some(limited.into())),
    ];
    let status = view(OperationKind::Update, OperationState::Running, vec![]);
    let mut page = page(status, vec![update]);
    let row = page.history().remove(0);
    assert_eq!(row.changes, [change]);
    let saw: Vec<(&str, &str)> = row.attempts.iter().map(|a| (a.at.as_str(), a.what.as_str())).collect();
    assert_eq!(
        saw,
        [
            ("12:04:31 UTC", "www.example.com"),
            ("12:04:31 UTC", "Ordering the certificate")
        ],
        "what says nothing is left out"
    );
    assert!(row.attempts[0].saw.contains("NXDOMAIN"), "{row:?}");
    assert!(!row.had_more);

    let one = page.facts.operations[0].news[1].clone();
    page.facts.operations[0].news = vec![one; OperationFacts::MOST_NEWS + 1];
    let row = page.history().remove(0);
    assert_eq!(row.attempts.len(), OperationFacts::MOST_NEWS);
    assert!(row.had_more);
}

#[test]
fn all_records_are_gathered_once_the_set_once_ones_first() {
    let page = running(vec![
        domain("*.example.com"),
        domain("example.com"),
        domain("www.example.org"),
    ]);
    let record = |name: &str, value: &str| RecordSet {
        name: name.to_owned(),
        data: Data::Txt(vec![value.to_owned()]),
    };
    assert_eq!(
        page.records(),
        [
            record(
                "_validation-persist.example.com",
                "letsencrypt.org;accounturi=https://ca.example/acct/123;policy=wildcard"
            ),
            record(
                "_validation-persist.www.example.org",
                "letsencrypt.org;accounturi=https://ca.example/acct/123"
            ),
        ]
    );
    let only = |name: &str, method: Method| DomainView {
        challenges: domain(name).challenges.map(|all| all.only(method)),
        ..domain(name)
    };
    let mut values = running(vec![
        only("*.example.com", Method::Dns01),
        only("www.example.org", Method::Http01),
    ]);
    assert_eq!(
        values.records(),
        [record("_acme-challenge.example.com", "gfj9Xq_Rg85nM")]
    );
    values.status.state = OperationState::Succeeded;
    assert!(
        values.records().is_empty(),
        "the values of an order that is over prove nothing"
    );
    let by_cname = Challenge::DelegatedDns01(DelegatedDns01 {
        target: "x7k2.acme.example".to_owned(),
        value: "gfj9Xq_Rg85nM".to_owned(),
        only_by_cname: false,
    });
    let delegated = DomainView {
        challenges: Some(Challenges::from_iter([by_cname.clone()])),
        ..domain("example.com")
    };
    let both = running(vec![only("*.example.com", Method::Dns01), delegated]);
    let cname = RecordSet {
        name: "_acme-challenge.example.com".to_owned(),
        data: Data::Cname("x7k2.acme.example".to_owned()),
    };
    assert_eq!(both.records(), std::slice::from_ref(&cname), "a CNAME stands alone");
    let mut proved = verified("example.com");
    proved.method = Some(Method::DelegatedDns01);
    let offered = proved.challenges.take().unwrap_or_default();
    proved.challenges = Some(offered.iter().cloned().chain([by_cname]).collect());
    assert_eq!(running(vec![proved]).records(), [cname], "which proves it");
}
