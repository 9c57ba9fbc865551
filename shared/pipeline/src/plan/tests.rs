use super::*;
use StepKind::*;

fn step(kind: StepKind, subject: &str, round: i32) -> Step {
    Step {
        kind,
        subject: subject.into(),
        round,
        state: StepState::Waiting,
        order_spent: false,
    }
}

fn situation(operation: OperationKind, domains: &[&str]) -> Situation {
    Situation {
        operation,
        domains: domains
            .iter()
            .map(|d| Domain {
                domain: (*d).into(),
                authorized: false,
                held_until: None,
            })
            .collect(),
        new_certificate: false,
        function: false,
        adopted: false,
        delegated: false,
        steps: vec![],
    }
}

/// Executes the plan, one step at a time in the order given by `choose`, until it succeeds; returns the kinds in the
/// order in which they were done.
fn play(mut now: Situation, choose: impl Fn(&[Step]) -> usize) -> Vec<(StepKind, String, i32)> {
    let mut done = vec![];
    for _ in 0..1000 {
        let next = next(&now);
        if next.succeeded {
            assert!(next.steps.is_empty());
            return done;
        }
        for planned in next.steps {
            let mut new = step(planned.kind, &planned.subject, planned.round);
            if planned.born == Born::Done {
                new.state = StepState::Done;
            }
            now.steps.push(new);
        }
        assert!(super::next(&now).steps.is_empty() || now.domains.iter().all(|d| d.authorized));
        let waiting: Vec<Step> = now
            .steps
            .iter()
            .filter(|s| s.state == StepState::Waiting)
            .cloned()
            .collect();
        if waiting.is_empty() {
            continue;
        }
        let chosen = &waiting[choose(&waiting) % waiting.len()];
        done.push((chosen.kind, chosen.subject.clone(), chosen.round));
        let at = now
            .steps
            .iter()
            .position(|s| s.kind == chosen.kind && s.subject == chosen.subject && s.round == chosen.round)
            .unwrap();
        now.steps[at].state = StepState::Done;
    }
    panic!("the plan never ended: {done:?}");
}

#[test]
fn a_provision_begins_with_the_order_alone() {
    let next = next(&situation(OperationKind::Provision, &["a.example"]));
    assert_eq!(next.steps, vec![due(PlaceOrder, 1)]);
}

#[test]
fn whatever_the_order_of_work_nothing_is_made_before_every_domain_is_proved_and_the_certificate_is_there() {
    for seed in 0..200_usize {
        let done = play(
            situation(OperationKind::Provision, &["a.example", "b.example", "c.example"]),
            |waiting| seed.wrapping_mul(2_654_435_761) >> (waiting.len() + seed % 7),
        );
        let kinds: Vec<StepKind> = done.iter().map(|(kind, ..)| *kind).collect();
        assert_eq!(
            kinds,
            [
                PlaceOrder,
                VerifyChallenge,
                VerifyChallenge,
                VerifyChallenge,
                AnswerChallenges,
                AwaitValidation,
                FinalizeOrder,
                UploadCertificate,
                CreateDistribution,
                AwaitDeployment
            ]
        );
        assert!(
            done.iter().all(|(.., round)| *round == 1),
            "each is of its order: {done:?}"
        );
    }
}

#[test]
fn what_was_taken_over_is_configured_as_a_whole_once_the_certificate_is_there() {
    let mut now = situation(OperationKind::Provision, &["a.example"]);
    now.adopted = true;
    let kinds = kinds(now);
    assert_eq!(
        kinds[kinds.len() - 3..],
        [UploadCertificate, ConfigureDistribution, AwaitDeployment],
        "{kinds:?}"
    );
    assert!(!kinds.contains(&CreateDistribution));
}

/// The previous version created the distribution first and without aliases, then attached the certificate.
#[test]
fn what_the_version_before_has_begun_comes_to_its_end() {
    let mut now = situation(OperationKind::Provision, &["a.example"]);
    now.steps = vec![
        step(CreateDistribution, "", 0),
        step(PlaceOrder, "", 1),
        step(VerifyChallenge, "a.example", 1),
    ];
    now.steps[0].state = StepState::Done;
    let done = kinds(now.clone());
    assert_eq!(done[done.len() - 2..], [CreateDistribution, AwaitDeployment]);
    for kind in [
        AnswerChallenges,
        AwaitValidation,
        FinalizeOrder,
        UploadCertificate,
        AttachCertificate,
    ] {
        now.steps.push(step(kind, "", 1));
    }
    for step in &mut now.steps {
        step.state = StepState::Done;
    }
    assert_eq!(
        next(&now).steps,
        vec![due(CreateDistribution, 1)],
        "which finds all in place"
    );
    assert_eq!(kinds(now), [CreateDistribution, AwaitDeployment]);
}

#[test]
fn a_distribution_made_for_an_order_before_counts_for_that_one_only() {
    let mut now = situation(OperationKind::Provision, &["a.example"]);
    now.domains[0].authorized = true;
    now.steps = vec![step(CreateDistribution, "", 1), step(PlaceOrder, "", 2)];
    for step in &mut now.steps {
        step.state = StepState::Done;
    }
    let done = play(now, |_| 0);
    assert!(done.contains(&(CreateDistribution, String::new(), 2)), "{done:?}");
}

#[test]
fn an_authorized_domain_is_born_done_and_a_rejected_one_is_held() {
    let until = time::macros::datetime!(2026-11-24 12:00 UTC);
    let mut now = situation(OperationKind::Provision, &["a.example", "b.example", "c.example"]);
    now.domains[0].authorized = true;
    now.domains[1].held_until = Some(until);
    now.steps = vec![step(PlaceOrder, "", 2)];
    now.steps[0].state = StepState::Done;
    let born: Vec<Born> = next(&now).steps.into_iter().map(|s| s.born).collect();
    assert_eq!(born, [Born::Done, Born::Held(until), Born::Due]);
}

#[test]
fn all_domains_authorized_goes_straight_on() {
    let mut now = situation(OperationKind::Provision, &["a.example"]);
    now.domains[0].authorized = true;
    let kinds: Vec<StepKind> = play(now, |_| 0).into_iter().map(|(k, ..)| k).collect();
    assert!(!kinds.contains(&VerifyChallenge));
    assert_eq!(kinds.last(), Some(&AwaitDeployment));
}

#[test]
fn a_spent_order_is_replaced_by_the_next_round() {
    let mut now = situation(OperationKind::Provision, &["a.example", "b.example"]);
    now.steps = vec![
        step(PlaceOrder, "", 1),
        step(VerifyChallenge, "a.example", 1),
        step(VerifyChallenge, "b.example", 1),
    ];
    now.steps[0].state = StepState::Done;
    now.steps[1].state = StepState::Done;
    now.steps[1].order_spent = true;
    let planned = next(&now);
    assert_eq!(planned.steps, vec![due(PlaceOrder, 2)]);
    assert_eq!(
        planned.cancel_rounds_below, 2,
        "b.example of round 1 must not be tried again"
    );
    now.steps.push(step(PlaceOrder, "", 2));
    assert_eq!(next(&now).steps, vec![]);
}

#[test]
fn deprovision_is_one_after_the_other() {
    let kinds: Vec<StepKind> = play(situation(OperationKind::Deprovision, &["a.example"]), |_| 0)
        .into_iter()
        .map(|(k, ..)| k)
        .collect();
    assert_eq!(
        kinds,
        [
            DisableDistribution,
            AwaitDeployment,
            DeleteDistribution,
            RetireCertificates
        ]
    );
}

fn kinds(of: Situation) -> Vec<StepKind> {
    play(of, |_| 0).into_iter().map(|(kind, ..)| kind).collect()
}

#[test]
fn an_update_of_settings_touches_no_certificate() {
    assert_eq!(
        kinds(situation(OperationKind::Update, &["a.example"])),
        [ConfigureDistribution, AwaitDeployment, RetireCertificates]
    );
}

#[test]
fn a_function_is_settled_when_no_edge_and_no_distribution_can_need_what_it_was() {
    let with_function = |operation| {
        let mut situation = situation(operation, &["a.example"]);
        situation.function = true;
        situation
    };
    assert_eq!(kinds(with_function(OperationKind::Deprovision)), DEPROVISION);
    let mut update = with_function(OperationKind::Update);
    assert_eq!(kinds(update.clone()), CHANGE);
    update.new_certificate = true;
    assert_eq!(kinds(update)[6..], CHANGE);
    assert!(!kinds(with_function(OperationKind::Provision)).contains(&SettleFunction));
}

#[test]
fn an_update_of_domains_touches_the_distribution_only_with_the_new_certificate_in_hand() {
    let mut now = situation(OperationKind::Update, &["a.example"]);
    now.new_certificate = true;
    assert_eq!(
        kinds(now),
        [
            PlaceOrder,
            VerifyChallenge,
            AnswerChallenges,
            AwaitValidation,
            FinalizeOrder,
            UploadCertificate,
            ConfigureDistribution,
            AwaitDeployment,
            RetireCertificates
        ]
    );
}

#[test]
fn values_are_published_beside_the_probes_and_nothing_waits_for_that() {
    let mut now = situation(OperationKind::Provision, &["a.example"]);
    now.delegated = true;
    let done = |kind, subject| Step {
        state: StepState::Done,
        ..step(kind, subject, 1)
    };
    now.steps = vec![done(StepKind::PlaceOrder, "")];
    let planned: Vec<StepKind> = next(&now).steps.iter().map(|step| step.kind).collect();
    assert_eq!(planned, [StepKind::PublishChallenges, StepKind::VerifyChallenge]);

    // The name server is down, and the domain is proved in another way.
    now.steps.push(step(StepKind::PublishChallenges, "", 1));
    now.steps.push(done(StepKind::VerifyChallenge, "a.example"));
    let planned: Vec<StepKind> = next(&now).steps.iter().map(|step| step.kind).collect();
    assert_eq!(planned, [StepKind::AnswerChallenges]);

    // Nothing has to be proved.
    now.domains[0].authorized = true;
    now.steps.truncate(1);
    let planned: Vec<StepKind> = next(&now).steps.iter().map(|step| step.kind).collect();
    assert!(!planned.contains(&StepKind::PublishChallenges), "{planned:?}");
}

#[test]
fn the_path_is_what_an_operation_goes_through_when_nothing_goes_wrong() {
    for operation in OperationKind::ALL {
        for bits in 0..8_u8 {
            let shape = Shape {
                new_certificate: bits & 1 > 0,
                function: bits & 2 > 0,
                adopted: bits & 4 > 0,
            };
            let mut now = situation(operation, &["a.example"]);
            (now.new_certificate, now.function, now.adopted) = (shape.new_certificate, shape.function, shape.adopted);
            assert_eq!(kinds(now), path(operation, shape), "{operation:?} {shape:?}");
        }
    }
}
