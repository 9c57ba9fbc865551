//! Of two deliveries of one step the first one counts.

use std::time::Duration;

use pipeline::proof::Method;
use pipeline::reason::CaReason;
use pipeline::{Outcome, StepKind, Verdict};

use super::{Desk, desk, of_kind, placed};
use crate::world::{connect, domain, organization, until};

#[tokio::test]
async fn the_slower_of_two_deliveries_changes_nothing() -> anyhow::Result<()> {
    let desk = desk().await?;
    let tasks = desk.provision(&organization(), &[domain("slow")]).await?;
    let task = of_kind(&tasks, StepKind::PlaceOrder);
    let wake_ups = desk
        .record(task, Outcome::pending(CaReason::Issuing))
        .await?
        .expect("current");
    assert_eq!((wake_ups.len(), wake_ups[0].attempt), (1, 1));
    assert!(
        desk.record(task, Outcome::DONE).await?.is_none(),
        "the same attempt again"
    );
    assert!(desk.record(task, Outcome::failed("no", "no")).await?.is_none());
    assert!(
        desk.store.load_task(task.step, task.attempt).await?.is_none(),
        "its wake-up is stale"
    );
    assert!(
        desk.store.ensure_current(task).await.is_err(),
        "a zombie must not write outside"
    );
    let next = desk.store.load_task(task.step, 1).await?.expect("the next attempt");
    assert!(desk.store.ensure_current(&next).await.is_ok());
    assert!(
        next.early > Duration::from_secs(3),
        "it is due by its schedule: {:?}",
        next.early
    );
    Ok(())
}

#[tokio::test]
async fn of_two_that_place_an_order_the_first_is_kept() -> anyhow::Result<()> {
    let desk = desk().await?;
    let tasks = desk.provision(&organization(), &[domain("two-orders")]).await?;
    let task = of_kind(&tasks, StepKind::PlaceOrder);
    let order = desk.store.order(task).await?;
    assert_eq!(desk.store.order(task).await?.id, order.id, "one intent");
    let place = async |url: &str| desk.store.set_order_url(task, order.id, &placed(url)).await;
    place("https://ca.example/order/1").await?;
    place("https://ca.example/order/1").await?;
    assert!(
        place("https://ca.example/order/2").await.is_err(),
        "the second order's delivery stops here"
    );
    assert_eq!(
        desk.store.order(task).await?.url.as_deref(),
        Some("https://ca.example/order/1")
    );
    Ok(())
}

#[tokio::test]
async fn of_two_that_prove_a_domain_at_the_same_moment_the_first_has_it() -> anyhow::Result<()> {
    let desk = desk().await?;
    let shared = domain("both");
    let verify = async |desk: &Desk| {
        let tasks = desk.provision(&organization(), std::slice::from_ref(&shared)).await?;
        let wake_ups = desk.place_order(of_kind(&tasks, StepKind::PlaceOrder), &[]).await?;
        anyhow::Ok(desk.tasks(&wake_ups).await?.remove(0))
    };
    let (one, other) = (verify(&desk).await?, verify(&desk).await?);
    let proved = || Outcome::Done(Verdict::Verified(Method::Dns01));

    // Neither has proved it when both look; then both wait for the lock of the domain.
    let lock = connect(&desk.url).await?;
    lock.batch_execute("begin").await?;
    let hold = "select pg_advisory_xact_lock(hashtextextended($1, 1))";
    lock.execute(hold, &[&shared]).await?;
    let watch = connect(&desk.url).await?;
    let both_wait = until("two records wait for the lock", async || {
        let waiting = "select count(*) from pg_locks l join pg_database d on d.oid = l.database \
            where d.datname = current_database() and l.locktype = 'advisory' and not l.granted";
        Ok(watch.query_one(waiting, &[]).await?.try_get::<_, i64>(0)? == 2)
    });
    let release = async {
        both_wait.await?;
        Ok(lock.batch_execute("commit").await?)
    };
    let (first, second, ()) = tokio::try_join!(desk.record(&one, proved()), desk.record(&other, proved()), release)?;
    assert!(first.is_some() && second.is_some(), "both are recorded");

    let claims = "select count(*) from claims where domain = $1 and proved";
    assert_eq!(watch.query_one(claims, &[&shared]).await?.try_get::<_, i64>(0)?, 1);
    let ended = "select failure from operations where state = 'failed'";
    let failed: Vec<String> = watch
        .query(ended, &[])
        .await?
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()?;
    let told = pipeline::domain::proved_by_other(&shared);
    assert!(failed.len() == 1 && failed[0].starts_with(&told), "{failed:?}");
    Ok(())
}
