//! A domain that the CA rejected rests, until the CA has issued for it.

use std::time::Duration;

use pipeline::proof::Method;
use pipeline::reason::Spent;
use pipeline::{Outcome, Rejection, StepKind, Verdict};

use super::{desk, of_kind};
use crate::world::{connect, domain, organization};

/// What an order comes to when the CA doesn't see what the verifier saw.
fn turned_down(domain: &str) -> Outcome {
    Outcome::Done(Verdict::OrderSpent {
        reason: Spent::TurnedDown { count: 1 },
        rejections: vec![Rejection {
            domain: domain.to_owned(),
            reason: "no TXT record".into(),
        }],
    })
}

#[tokio::test]
async fn a_rejected_domain_rests_and_loses_its_proof_while_the_others_keep_theirs() -> anyhow::Result<()> {
    let desk = desk().await?;
    let domains = [domain("rests"), domain("stays")];
    let tasks = desk.provision(&organization(), &domains).await?;
    let wake_ups = desk.place_order(of_kind(&tasks, StepKind::PlaceOrder), &[]).await?;
    let mut next = Vec::new();
    for task in desk.tasks(&wake_ups).await? {
        next = desk
            .record(&task, Outcome::Done(Verdict::Verified(Method::Dns01)))
            .await?
            .expect("current");
    }
    let answering = &desk.tasks(&next).await?[0];
    assert_eq!(answering.kind, StepKind::AnswerChallenges);
    let awaiting = desk.record(answering, Outcome::DONE).await?.expect("current");
    let awaiting = &desk.tasks(&awaiting).await?[0];
    let spent = Verdict::OrderSpent {
        reason: Spent::NotIssued {
            said: "turned down\0".into(),
        },
        rejections: vec![Rejection {
            domain: domains[0].clone(),
            reason: "no TXT record\0".into(),
        }],
    };
    let wake_ups = desk
        .record(awaiting, Outcome::Done(spent))
        .await?
        .expect("a NUL from outside does no harm");
    let placing = &desk.tasks(&wake_ups).await?[0];
    assert_eq!((placing.kind, placing.round), (StepKind::PlaceOrder, 2));
    let wake_ups = desk.place_order(placing, &[&domains[1]]).await?;
    assert_eq!(wake_ups.len(), 1, "the other domain is valid at the CA");
    assert!(
        wake_ups[0].delay > Duration::from_secs(14 * 60),
        "at least 15 minutes less jitter: {:?}",
        wake_ups[0].delay
    );
    Ok(())
}

#[tokio::test]
async fn a_renewal_whose_domain_rests_takes_no_place_of_its_tenant() -> anyhow::Result<()> {
    let desk = desk().await?;
    let (tenant, domains) = (organization(), [domain("at-rest")]);
    let provisioning = desk.provision(&tenant, &domains).await?;
    connect(&desk.url)
        .await?
        .batch_execute(
            "update steps set state = 'cancelled', ended_at = now(); \
             update operations set state = 'succeeded', ended_at = now()",
        )
        .await?;
    let instance = &provisioning[0].instance.id;
    assert!(desk.store.renew(instance, &desk.schedules).await?);
    assert_eq!(desk.store.running_renewals().await?, [(tenant, 1)]);
    let wake_ups = desk.sweep(StepKind::PlaceOrder, Duration::ZERO, 10).await?;
    let placing = &desk.tasks(&wake_ups).await?[0];
    let wake_ups = desk.record(placing, turned_down(&domains[0])).await?.expect("current");
    let wake_ups = desk.place_order(&desk.tasks(&wake_ups).await?[0], &[]).await?;
    assert!(wake_ups[0].delay > Duration::from_secs(60), "{:?}", wake_ups[0].delay);
    assert_eq!(desk.store.running_renewals().await?, []);
    Ok(())
}

#[tokio::test]
async fn what_the_ca_said_of_a_domain_is_over_once_it_has_issued() -> anyhow::Result<()> {
    let desk = desk().await?;
    let domains = [domain("turned-down")];
    let tasks = desk.provision(&organization(), &domains).await?;
    let placing = of_kind(&tasks, StepKind::PlaceOrder);
    let wake_ups = desk.record(placing, turned_down(&domains[0])).await?.expect("current");
    let sql = connect(&desk.url).await?;
    let held = "select count(*) from claims where domain = $1 and rejections = 1 and ca_said is not null and held_until > now()";
    let count = async |query: &str| anyhow::Ok(sql.query_one(query, &[&domains[0]]).await?.get::<_, i64>(0));
    assert_eq!(count(held).await?, 1);
    let mut wake_ups = desk
        .place_order(&desk.tasks(&wake_ups).await?[0], &[&domains[0]])
        .await?;
    for kind in [
        StepKind::AnswerChallenges,
        StepKind::AwaitValidation,
        StepKind::FinalizeOrder,
    ] {
        let task = &desk.tasks(&wake_ups).await?[0];
        assert_eq!(task.kind, kind);
        wake_ups = desk.record(task, Outcome::DONE).await?.expect("current");
    }
    let over =
        "select count(*) from claims where domain = $1 and rejections = 0 and ca_said is null and held_until is null";
    assert_eq!(count(over).await?, 1);
    Ok(())
}
