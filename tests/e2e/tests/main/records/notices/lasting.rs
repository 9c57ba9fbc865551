//! What lasts is told rarely, and no more when it is over: a user who does not act, a certificate that is not renewed, a domain that is about to be lost.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use notices::{Event, Facts};
use pipeline::proof::Method;
use pipeline::reason::Reason;
use pipeline::{Outcome, StepKind, Verdict};
use store::{Lease, LeasedLetter, NewInstance, Task, ToldNotice};
use tokio_postgres::Client;

use super::super::looks::absent;
use super::super::{Desk, desk, of_kind};
use super::{AT_ONCE, LEASE, count, subscribers};
use crate::world::{connect, organization};

const TODO_AFTER: Duration = Duration::from_secs(4 * 3_600);
const HOUR: Duration = Duration::from_secs(3_600);

impl Desk {
    /// An instance that tells a confirmed address such events, and the tasks that follow its order.
    async fn ordered(&self, event: Event) -> anyhow::Result<(NewInstance, Vec<Task>)> {
        let (new, tasks) = self
            .telling(&organization(), subscribers(&["operators"], &[event])?)
            .await?;
        self.confirmed().await?;
        let wake_ups = self.place_order(of_kind(&tasks, StepKind::PlaceOrder), &[]).await?;
        let tasks = self.tasks(&wake_ups).await?;
        Ok((new, tasks))
    }

    /// The one notice of the one letter that is due.
    async fn told(&self) -> anyhow::Result<(LeasedLetter, ToldNotice)> {
        self.collect().await?;
        let letter = self.leased(&self.next_letter().await?).await?;
        let [told] = letter.told.as_slice() else {
            anyhow::bail!("{:?}", letter.told);
        };
        let told = told.clone();
        Ok((letter, told))
    }

    /// The letter is tried again: there is nothing to tell any more.
    async fn is_moot(&self, letter: &LeasedLetter) -> anyhow::Result<()> {
        let again = self.store.lease_letter(letter.id, letter.attempt, LEASE).await?;
        ensure!(matches!(again, Lease::Moot), "{again:?}");
        Ok(())
    }

    /// The mail server takes it later.
    async fn later(&self, letter: &LeasedLetter) -> anyhow::Result<()> {
        let later = self.store.letter_waits(letter, AT_ONCE, "450 later", false).await?;
        ensure!(later.is_some_and(|later| later.attempt == letter.attempt));
        Ok(())
    }
}

async fn keys(sql: &Client) -> anyhow::Result<Vec<String>> {
    let rows = sql.query("select key from notices order by born_at", &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// What comes and goes is told once a day: on each day on which it was born.
async fn once_a_day(sql: &Client) -> anyhow::Result<()> {
    let born = count(sql, "select count(*) from notices").await?;
    let days = "select count(distinct (born_at at time zone 'UTC')::date) from notices";
    ensure!(born > 0 && born == count(sql, days).await?, "{:?}", keys(sql).await?);
    Ok(())
}

#[tokio::test]
async fn who_has_to_act_is_told_once_and_once_more_in_the_last_day() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    let (new, tasks) = desk.ordered(Event::Todo).await?;
    // Another one of the same organization waits for the CA, and nobody is told of a third one.
    desk.telling(&new.tenant, subscribers(&["operators"], &[Event::Todo])?)
        .await?;
    let untold = desk
        .provision(&organization(), &[crate::world::domain("untold")])
        .await?;
    desk.place_order(of_kind(&untold, StepKind::PlaceOrder), &[]).await?;
    sql.batch_execute(
        "update operations set deadline_at = now() + interval '3 days'; \
         update steps set deadline_at = now() + interval '3 days'",
    )
    .await?;
    assert_eq!(desk.store.remind(TODO_AFTER).await?, 0, "too early");
    sql.batch_execute("update operations set created_at = created_at - interval '5 hours'")
        .await?;
    for found in [1, 0] {
        assert_eq!(desk.store.remind(TODO_AFTER).await?, found);
    }
    sql.batch_execute("update operations set deadline_at = now() + interval '20 hours'")
        .await?;
    for found in [1, 0] {
        assert_eq!(desk.store.remind(TODO_AFTER).await?, found);
    }
    let operation = tasks[0].operation;
    let expected = ["first", "last-day"].map(|mark| format!("todo/{operation}/{mark}"));
    assert_eq!(keys(&sql).await?, expected);

    // Both are one thing to tell, as it is now.
    let (letter, told) = desk.told().await?;
    assert_eq!((told.event, &told.facts), (Event::Todo, &Facts::Todo { operation }));
    let now = told.now.context("it lasts")?;
    let ends_at = now.ends_at.context("an end")?;
    assert!(
        ends_at > now.view.now && ends_at < now.view.now + time::Duration::DAY,
        "{ends_at}"
    );
    assert!(
        pipeline::status::told(&now.view)[0].starts_with("Waiting for you"),
        "{:?}",
        now.view
    );
    desk.later(&letter).await?;
    let verified = Outcome::Done(Verdict::Verified(Method::Dns01));
    desk.record(&tasks[0], verified).await?.context("current")?;
    desk.is_moot(&letter).await
}

#[tokio::test]
async fn who_is_told_late_is_told_of_the_last_day_only() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    let (_, tasks) = desk.ordered(Event::Todo).await?;
    sql.batch_execute(
        "update operations set deadline_at = now() + interval '3 days', created_at = created_at - interval '5 hours'; \
         update steps set deadline_at = now() + interval '2 hours'",
    )
    .await?;
    assert_eq!(desk.store.remind(TODO_AFTER).await?, 1);
    // Its domain was seen, and has more time now: that is no reason to tell it once more.
    sql.batch_execute("update steps set deadline_at = now() + interval '3 days'")
        .await?;
    assert_eq!(desk.store.remind(TODO_AFTER).await?, 0);
    let last = format!("todo/{}/last-day", tasks[0].operation);
    assert_eq!(keys(&sql).await?, [last]);

    // What keeps it from being told again is kept for longer than other notices.
    for (days, kept) in [(31, 1), (400, 0)] {
        let aged = format!("update notices set collected_at = now() - interval '{days} days'");
        sql.batch_execute(&aged).await?;
        desk.store.prune_notices().await?;
        assert_eq!(keys(&sql).await?.len(), kept, "after {days} days");
    }
    Ok(())
}

/// A certificate with 12 days left, of 30 when it was due, and a renewal of it that has failed.
const TROUBLE: &str = "
    update operations set state = 'succeeded', ended_at = now();
    insert into certificates (id, instance_id, order_id, names, chain_pem, not_before, not_after, renew_at, attached_at, created_at)
        select gen_random_uuid(), o.instance_id, r.id, array['a.example.com'], '', now() - interval '78 days', now() + interval '12 days',
            now() - interval '18 days', now() - interval '78 days', now() - interval '78 days'
        from orders r join operations o on o.id = r.operation_id;
    insert into operations (id, instance_id, kind, state, created_at, deadline_at, ended_at, failure)
        select gen_random_uuid(), id, 'renew', 'failed', now() - interval '1 day', now(), now(), 'The CA refuses.' from instances";

#[tokio::test]
async fn a_certificate_that_is_not_renewed_is_told_at_its_newest_mark() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    desk.ordered(Event::Trouble).await?;
    sql.batch_execute(TROUBLE).await?;
    assert_eq!(desk.store.remind(TODO_AFTER).await?, 0, "too early");
    // Nothing was told for a week: the mark of ten days is over.
    let days_pass = async |days: i32| {
        let aged = format!(
            "update certificates set renew_at = renew_at - interval '{days} days', not_after = not_after - interval '{days} days'"
        );
        sql.batch_execute(&aged).await
    };
    days_pass(7).await?;
    for found in [1, 0] {
        assert_eq!(desk.store.remind(TODO_AFTER).await?, found);
    }
    days_pass(3).await?;
    for found in [1, 0] {
        assert_eq!(desk.store.remind(TODO_AFTER).await?, found);
    }
    let marks: Vec<String> = keys(&sql).await?;
    let marks: Vec<&str> = marks.iter().filter_map(|key| key.rsplit('/').next()).collect();
    assert_eq!(marks, ["7d", "3d"]);

    let (letter, told) = desk.told().await?;
    assert_eq!(told.event, Event::Trouble);
    let now = told.now.context("it lasts")?;
    assert_eq!(pipeline::status::told(&now.view), ["The CA refuses."]);
    desk.later(&letter).await?;
    // It was renewed meanwhile.
    sql.batch_execute(
        "insert into orders (id, operation_id, round, account_uri, created_at) \
         select md5('renewed')::uuid, id, 0, 'https://ca.example/acct/1', now() from operations where kind = 'renew'; \
         insert into certificates (id, instance_id, order_id, names, chain_pem, not_before, not_after, attached_at, created_at) \
         select gen_random_uuid(), instance_id, md5('renewed')::uuid, names, '', now(), now() + interval '90 days', now(), now() \
         from certificates",
    )
    .await?;
    desk.is_moot(&letter).await?;
    assert_eq!(desk.store.remind(TODO_AFTER).await?, 0);
    Ok(())
}

#[tokio::test]
async fn nobody_is_told_of_a_certificate_that_nobody_needs() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    let (new, _) = desk.ordered(Event::Trouble).await?;
    sql.batch_execute(TROUBLE).await?;
    sql.batch_execute("update certificates set not_after = now() - interval '1 hour'")
        .await?;
    sql.batch_execute("update claims set lost_at = now()").await?;
    assert_eq!(desk.store.remind(TODO_AFTER).await?, 0, "all domains are lost");
    sql.batch_execute("update claims set lost_at = null").await?;
    assert_eq!(desk.store.remind(TODO_AFTER).await?, 1);
    let ended: Vec<String> = keys(&sql).await?;
    assert!(ended[0].ends_with("/ended"), "{ended:?}");
    desk.collect().await?;
    let letter = desk.next_letter().await?;
    // It is removed before the mail is written.
    desk.store
        .deprovision(&new.id, &store::Requester::default(), desk.schedules())
        .await?;
    let leased = desk.store.lease_letter(letter.letter, letter.attempt, LEASE).await?;
    assert!(matches!(leased, Lease::Moot), "{leased:?}");
    assert_eq!(desk.store.remind(TODO_AFTER).await?, 0);
    Ok(())
}

#[tokio::test]
async fn who_is_about_to_lose_a_domain_is_told_once_a_day_however_often_that_changes() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    let (new, tasks) = desk.ordered(Event::Domain).await?;
    let verified = Outcome::Done(Verdict::Verified(Method::Dns01));
    desk.record(&tasks[0], verified).await?.context("current")?;
    let other = desk.provision(&organization(), &new.domains).await?;
    let wake_ups = desk.place_order(of_kind(&other, StepKind::PlaceOrder), &[]).await?;
    let task = desk.tasks(&wake_ups).await?.remove(0);
    let holder = desk.store.holder(&task).await?.context("a holder")?;
    assert_eq!(holder.instance, new.id);
    for _ in 0..3 {
        for _ in 0..2 {
            let rest = desk.store.challenge_holder(&task, &holder, HOUR).await?;
            assert!(rest <= HOUR && rest > HOUR / 2, "{rest:?}");
        }
        desk.store.withdraw_challenge(&task).await?;
    }
    once_a_day(&sql).await?;
    desk.store.challenge_holder(&task, &holder, HOUR).await?;
    let (letter, told) = desk.told().await?;
    let name = new.domains[0].clone();
    assert_eq!((told.instance, told.facts), (new.id, Facts::Leaves { name }));
    let now = told.now.context("it lasts")?;
    assert!(now.view.domains[0].loses_at.is_some());
    desk.later(&letter).await?;
    desk.store.withdraw_challenge(&task).await?;
    desk.is_moot(&letter).await
}

#[tokio::test]
async fn a_record_that_is_gone_is_told_once_a_day_and_not_when_it_is_back() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    let (new, tasks) = desk.ordered(Event::Domain).await?;
    let verified = Outcome::Done(Verdict::Verified(Method::DnsPersist01));
    desk.record(&tasks[0], verified).await?.context("current")?;
    sql.batch_execute("update operations set state = 'succeeded', ended_at = now()")
        .await?;
    let proof = desk.store.standing_proofs_due(AT_ONCE, 10).await?.remove(0);
    let seen = Reason::from(absent("192.0.2.1").without_memory());
    for _ in 0..2 {
        for is_new in [true, false] {
            assert_eq!(desk.store.standing_proof_checked(&proof, Some(&seen)).await?, is_new);
        }
        assert!(!desk.store.standing_proof_checked(&proof, None).await?);
    }
    once_a_day(&sql).await?;
    assert!(desk.store.standing_proof_checked(&proof, Some(&seen)).await?);
    let (letter, told) = desk.told().await?;
    let name = new.domains[0].clone();
    assert_eq!((told.event, told.facts), (Event::Domain, Facts::Lapses { name }));
    let now = told.now.context("it lasts")?;
    assert!(now.view.domains[0].proof_gone_at.is_some());
    desk.later(&letter).await?;
    desk.store.standing_proof_checked(&proof, None).await?;
    desk.is_moot(&letter).await
}
