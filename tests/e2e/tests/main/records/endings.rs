//! An operation that ends before its work is done: superseded by a deprovision, failed, or given up after its deadline.

use std::time::Duration;

use pipeline::reason::CaReason;
use pipeline::{OperationState, Outcome, StepKind};
use store::{Bounds, Deprovision, Provision, Requester, StoreError};
use uuid::Uuid;

use super::{Desk, desk, of_kind};
use crate::world::{connect, domain, organization, until};

#[tokio::test]
async fn a_deprovision_supersedes_a_provision_at_any_moment() -> anyhow::Result<()> {
    let desk = desk().await?;
    let tenant = organization();
    let name = domain("superseded");
    let tasks = desk.provision(&tenant, std::slice::from_ref(&name)).await?;
    let placing = of_kind(&tasks, StepKind::PlaceOrder);
    let instance = placing.instance.id.clone();
    let Deprovision::Accepted { operation, wake_ups } = desk
        .store
        .deprovision(&instance, &Requester::default(), &desk.schedules)
        .await?
    else {
        panic!("not accepted");
    };
    let again = desk
        .store
        .deprovision(&instance, &Requester::default(), &desk.schedules)
        .await?;
    assert!(matches!(again, Deprovision::Running { operation: same } if same == operation));

    // Whoever still works for the provision is told, at every door.
    assert!(desk.store.load_task(placing.step, placing.attempt).await?.is_none());
    assert!(matches!(
        desk.store.ensure_current(placing).await,
        Err(StoreError::Stale)
    ));
    assert!(desk.record(placing, Outcome::DONE).await?.is_none());
    assert!(matches!(desk.store.order(placing).await, Err(StoreError::Stale)));
    assert!(matches!(
        desk.store.intend_distribution(placing).await,
        Err(StoreError::Stale)
    ));
    // What was made in AWS meanwhile belongs to the instance all the same: the deprovision takes it away.
    desk.store.set_distribution(placing, "E1", "d1.example").await?;
    let old = desk
        .store
        .last_operation(&instance, Some(placing.operation))
        .await?
        .expect("still there");
    assert_eq!(old.state, OperationState::Superseded);

    // To its end, and the name is free again.
    let mut wake_ups = wake_ups;
    let mut kinds = Vec::new();
    while let [task] = desk.tasks(&wake_ups).await?.as_slice() {
        kinds.push(task.kind);
        assert_eq!(task.instance.distribution_id.as_deref(), Some("E1"));
        wake_ups = desk.record(task, Outcome::DONE).await?.expect("current");
    }
    assert_eq!(kinds.len(), 4, "{kinds:?}");
    assert!(matches!(
        desk.store
            .deprovision(&instance, &Requester::default(), &desk.schedules)
            .await?,
        Deprovision::Gone
    ));
    assert!(matches!(
        desk.store.set_distribution(placing, "E2", "d2.example").await,
        Err(StoreError::Stale)
    ));
    desk.provision(&tenant, &[name]).await?;
    Ok(())
}

#[tokio::test]
async fn a_failed_provision_gives_up_what_it_proved_and_can_be_removed() -> anyhow::Result<()> {
    let desk = desk().await?;
    let shared = domain("given-up");
    let domains = [shared.clone(), domain("never-proved")];
    let tasks = desk.provision(&organization(), &domains).await?;
    let wake_ups = desk
        .place_order(of_kind(&tasks, StepKind::PlaceOrder), &[&shared])
        .await?;
    let other = desk.provision(&organization(), std::slice::from_ref(&shared)).await?;
    let others = desk.place_order(of_kind(&other, StepKind::PlaceOrder), &[]).await?;
    let waiting = &desk.tasks(&others).await?[0];
    let looking = &desk.tasks(&wake_ups).await?[0];
    let holder = desk.store.holder(waiting).await?.expect("the first has proved it");
    assert_eq!(holder.instance, looking.instance.id);
    desk.record(looking, Outcome::failed("no", "no"))
        .await?
        .expect("current");
    assert!(desk.store.holder(waiting).await?.is_none());
    let answer = desk
        .store
        .last_operation(&looking.instance.id, None)
        .await?
        .expect("an operation");
    let failure = answer.failure.unwrap_or_default();
    assert!(failure.starts_with("no. Delete this service"), "{failure}");
    let gone = desk
        .store
        .deprovision(&looking.instance.id, &Requester::default(), &desk.schedules)
        .await?;
    assert!(matches!(gone, Deprovision::Accepted { .. }));
    Ok(())
}

#[tokio::test]
async fn a_step_that_nobody_ends_is_given_up_after_its_deadline() -> anyhow::Result<()> {
    let desk = desk().await?;
    let tasks = desk.provision(&organization(), &[domain("nobody")]).await?;
    let task = of_kind(&tasks, StepKind::PlaceOrder);
    let service = task.kind.service();
    assert!(desk.store.past_deadline(service, Duration::ZERO).await?.is_empty());
    connect(&desk.url)
        .await?
        .execute(
            "update steps set deadline_at = now() - interval '1 hour' where id = $1",
            &[&task.step],
        )
        .await?;
    let past = desk.store.past_deadline(service, Duration::ZERO).await?;
    assert_eq!(past, [(task.step, 0)]);
    desk.store.give_up(task).await?;
    assert!(matches!(desk.store.give_up(task).await, Err(StoreError::Stale)), "once");
    let view = desk
        .store
        .last_operation(&task.instance.id, None)
        .await?
        .expect("there");
    assert_eq!(view.state, OperationState::Failed);
    assert!(view.failure.is_some_and(|text| text.contains("no attempt completed")));
    Ok(())
}

/// Waits until another connection of the desk's database waits for a lock.
async fn somebody_waits_for_a_lock(desk: &Desk) -> anyhow::Result<()> {
    let client = connect(&desk.url).await?;
    until("somebody waits for a lock", async || {
        let query = "select exists(select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
        Ok(client.query_one(query, &[]).await?.get(0))
    })
    .await
}

#[tokio::test]
async fn a_look_whose_deadline_was_moved_while_it_was_recorded_is_not_given_up() -> anyhow::Result<()> {
    let desk = desk().await?;
    let tasks = desk.provision(&organization(), &[domain("moved")]).await?;
    let task = of_kind(&tasks, StepKind::PlaceOrder);
    let sql = connect(&desk.url).await?;
    // What holds the operation lets the record wait, and moves the deadline.
    let past = "update steps set deadline_at = now() - interval '1 hour' where id = $1";
    sql.execute(past, &[&task.step]).await?;
    let held = connect(&desk.url).await?;
    held.batch_execute("begin").await?;
    held.execute("select 1 from instances where id = $1 for update", &[&task.instance.id])
        .await?;
    let recording = desk.record(task, Outcome::pending(CaReason::Issuing));
    let moving = async {
        somebody_waits_for_a_lock(&desk).await?;
        let later = "update steps set deadline_at = now() + interval '1 hour' where id = $1";
        sql.execute(later, &[&task.step]).await?;
        held.batch_execute("commit").await?;
        anyhow::Ok(())
    };
    let (recorded, moved) = tokio::join!(recording, moving);
    moved?;
    let wake_ups = recorded?.expect("current");
    assert_eq!(wake_ups.len(), 1, "it is tried again");
    let polled = desk.store.polled(&task.instance.id, None).await?.expect("there");
    assert!(polled.running_version.is_some(), "its operation runs");
    Ok(())
}

#[tokio::test]
async fn a_repeated_provision_that_waited_for_a_deprovision_is_told_of_it() -> anyhow::Result<()> {
    let desk = desk().await?;
    let new = desk.new_instance(&organization(), &[domain("waited")]);
    let (asked, schedules) = (Requester::default(), &desk.schedules);
    desk.store.provision(&new, &asked, Bounds::default(), schedules).await?;
    // A DELETE that has the lock, and has written its operation: all that it lacks is the commit.
    let mut client = connect(&desk.url).await?;
    let deleting = client.transaction().await?;
    deleting
        .execute("select 1 from instances where id = $1 for update", &[&new.id])
        .await?;
    deleting
        .execute(
            "update operations set state = 'superseded', ended_at = now() where instance_id = $1",
            &[&new.id],
        )
        .await?;
    deleting
        .execute(
            "insert into operations (id, instance_id, kind, deadline_at) values ($2, $1, 'deprovision', now() + interval '1 day')",
            &[&new.id, &Uuid::new_v4()],
        )
        .await?;
    let (again, committed) = tokio::join!(
        desk.store.provision(&new, &asked, Bounds::default(), schedules),
        async {
            somebody_waits_for_a_lock(&desk).await?;
            Ok::<(), anyhow::Error>(deleting.commit().await?)
        }
    );
    committed?;
    let again = again?;
    assert!(
        matches!(&again, Provision::Conflict { why } if why == "this instance is being deleted"),
        "{again:?}"
    );
    Ok(())
}
