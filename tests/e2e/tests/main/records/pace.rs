//! When a step that waits is tried again.

use std::collections::HashMap;
use std::time::Duration;

use pipeline::proof::Method;
use pipeline::reason::{BrokerReason, CaReason, Look};
use pipeline::{Outcome, StepKind, Verdict};
use store::Recorded;

use super::{desk, of_kind};
use crate::world::{connect, domain, organization};

#[tokio::test]
async fn attempts_that_crash_in_a_row_make_a_step_rare() -> anyhow::Result<()> {
    let desk = desk().await?;
    let tasks = desk.provision(&organization(), &[domain("crashes")]).await?;
    let mut task = of_kind(&tasks, StepKind::PlaceOrder).clone();
    let mut delays = Vec::new();
    for crashed in [true, true, true, false] {
        let outcome = Outcome::pending(BrokerReason::Internal);
        let Recorded::Written(wake_ups) = desk.store.record(&task, &outcome, crashed, &desk.schedules).await? else {
            panic!("stale");
        };
        delays.push(wake_ups[0].delay);
        task = desk.tasks(&wake_ups).await?.remove(0);
    }
    let longest = desk.schedules.of(StepKind::PlaceOrder).max;
    assert!(delays[1] < longest / 2 && delays[2] == longest, "{delays:?}");
    assert_eq!(task.crashes, 0, "an attempt that ends by itself wipes the slate");
    Ok(())
}

#[tokio::test]
async fn a_domain_whose_looks_run_into_their_limit_is_looked_at_ever_more_seldom_until_one_does_not()
-> anyhow::Result<()> {
    let mut desk = desk().await?;
    desk.schedules.schedule_after_slow_look = "first=1h,factor=2,max=4h,jitter=0%".parse()?;
    let tasks = desk.provision(&organization(), &[domain("slow")]).await?;
    let wake_ups = desk.place_order(of_kind(&tasks, StepKind::PlaceOrder), &[]).await?;
    let mut task = of_kind(&desk.tasks(&wake_ups).await?, StepKind::VerifyChallenge).clone();
    let overran = BrokerReason::Overran {
        limit: Duration::from_secs(60),
    };
    let slow = || (Outcome::pending_slow(Look::default()), false);
    let quick = || (Outcome::pending(Look::default()), false);
    let broken_off = || (Outcome::pending(overran.clone()), true);
    let mut hours = Vec::new();
    for (outcome, crashed) in [slow(), slow(), slow(), slow(), broken_off(), quick(), slow()] {
        let Recorded::Written(wake_ups) = desk.store.record(&task, &outcome, crashed, &desk.schedules).await? else {
            panic!("stale");
        };
        hours.push(wake_ups[0].delay.as_secs() / 3600);
        task = desk.tasks(&wake_ups).await?.remove(0);
    }
    assert_eq!(hours, [1, 2, 4, 4, 4, 0, 1]);
    // An operator who knows that it is mended begins anew.
    desk.operator().retry_now(&task.instance.id, false).await?;
    let again = desk.store.load_task(task.step, task.attempt).await?.expect("current");
    assert_eq!(again.slow_looks, 0);
    Ok(())
}

#[tokio::test]
async fn one_proved_domain_has_the_others_looked_at_unless_they_are_slow_and_none_twice_within_seconds()
-> anyhow::Result<()> {
    let desk = desk().await?;
    let [proved, waits, slow, just] = ["proved", "waits", "slow", "just"].map(domain);
    let names = [&proved, &waits, &slow, &just].map(Clone::clone);
    let tasks = desk.provision(&organization(), &names).await?;
    let wake_ups = desk.place_order(of_kind(&tasks, StepKind::PlaceOrder), &[]).await?;
    let looks = desk.tasks(&wake_ups).await?;
    let of = |name: &str| looks.iter().find(|task| task.subject == name).expect("a look").clone();
    let version = async || -> anyhow::Result<i64> {
        let polled = desk.store.polled(&looks[0].instance.id, None).await?.expect("there");
        Ok(polled.running_version.expect("runs"))
    };
    let mut seen = version().await?;
    for name in [&waits, &slow, &just] {
        let outcome = match *name == slow {
            true => Outcome::pending_slow(Look::default()),
            false => Outcome::pending(Look::default()),
        };
        desk.record(&of(name), outcome).await?.expect("current");
        let now = version().await?;
        assert!(now > seen, "each record is counted");
        seen = now;
    }
    connect(&desk.url)
        .await?
        .execute(
            "update steps set checked_at = checked_at - interval '10 seconds', rung_at = rung_at - interval '10 seconds' \
             where subject <> $1",
            &[&just],
        )
        .await?;
    let verified = Outcome::Done(Verdict::Verified(Method::Dns01));
    let woken = desk.record(&of(&proved), verified).await?.expect("current");
    let woken: HashMap<String, Duration> = desk
        .tasks(&woken)
        .await?
        .into_iter()
        .map(|task| (task.subject, task.early))
        .collect();
    assert_eq!(woken.len(), 2, "{woken:?}");
    assert_eq!(woken.get(&waits), Some(&Duration::ZERO), "due at once");
    let just = woken.get(&just).expect("woken, too");
    assert!(!just.is_zero() && *just <= Duration::from_secs(3), "{just:?}");
    assert!(version().await? > seen);
    // What is on its way already is not woken again.
    let again = desk.store.load_task(of(&slow).step, 1).await?.expect("current");
    let verified = Outcome::Done(Verdict::Verified(Method::Dns01));
    assert!(desk.record(&again, verified).await?.expect("current").is_empty());
    Ok(())
}

#[tokio::test]
async fn a_step_that_is_put_off_is_due_then_and_not_taken_for_lost() -> anyhow::Result<()> {
    let desk = desk().await?;
    let tasks = desk.provision(&organization(), &[domain("put-off")]).await?;
    let task = of_kind(&tasks, StepKind::PlaceOrder);
    assert!(desk.store.put_off(task, Duration::from_secs(100)).await?);
    let early = desk
        .store
        .load_task(task.step, task.attempt)
        .await?
        .expect("current")
        .early;
    assert!(early > Duration::from_secs(90), "{early:?}");
    let graces = [(StepKind::PlaceOrder, Duration::from_millis(1))];
    let swept = desk
        .store
        .sweep(pipeline::Service::CertificateIssuer, &graces, 1000)
        .await?;
    assert!(swept.iter().all(|wake_up| wake_up.step != task.step), "{swept:?}");
    desk.record(task, Outcome::pending(CaReason::Issuing)).await?;
    assert!(
        !desk.store.put_off(task, Duration::ZERO).await?,
        "another attempt is current"
    );
    Ok(())
}
