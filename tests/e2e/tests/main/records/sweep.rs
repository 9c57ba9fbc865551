//! A wake-up that was lost is published again.

use std::time::{Duration, Instant};

use pipeline::reason::{CaReason, Look};
use pipeline::{Outcome, StepKind};

use super::{desk, of_kind};
use crate::world::{PATIENCE, domain, organization};

#[tokio::test]
async fn rings_that_were_never_published_are_published_again() -> anyhow::Result<()> {
    let desk = desk().await?;
    let domains = [domain("lost-a"), domain("lost-b"), domain("lost-c")];
    let tasks = desk.provision(&organization(), &domains).await?;
    let task = of_kind(&tasks, StepKind::PlaceOrder);
    let wake_ups = desk.place_order(task, &[&domains[1]]).await?;
    assert_eq!(wake_ups.len(), 2, "an authorized domain needs no look");
    // The process died before it published: its message comes again, stale, and brings the same wake-ups.
    let mut again = desk.store.wake_ups_after(task.step).await?;
    let mut expected = wake_ups.clone();
    again.sort_by_key(|wake_up| wake_up.step);
    expected.sort_by_key(|wake_up| wake_up.step);
    assert_eq!(again, expected);
    let pending = desk.tasks(&wake_ups).await?;
    let later = desk
        .record(&pending[0], Outcome::pending(Look::default()))
        .await?
        .expect("current");
    let again = desk.store.wake_ups_after(pending[0].step).await?;
    assert_eq!((again.len(), again[0].attempt), (1, 1), "{later:?}");
    assert!(again[0].delay > Duration::from_secs(3), "not before it is due");

    // The sweep waits for its grace, but not for a wake-up whose publish failed.
    let grace = Duration::from_secs(3600);
    assert_eq!(desk.sweep(StepKind::VerifyChallenge, grace, 500).await?, vec![]);
    desk.store.not_published(&wake_ups[1..]).await?;
    let swept = desk.sweep(StepKind::VerifyChallenge, grace, 500).await?;
    assert_eq!((swept.len(), swept[0].step), (1, wake_ups[1].step));
    assert_eq!(desk.sweep(StepKind::VerifyChallenge, grace, 500).await?, vec![], "once");
    assert_eq!(
        desk.sweep(StepKind::VerifyChallenge, Duration::ZERO, 500).await?.len(),
        1,
        "overdue by its grace"
    );
    Ok(())
}

#[tokio::test]
async fn what_a_sweep_does_not_help_is_swept_ever_more_seldom_until_it_is_recorded() -> anyhow::Result<()> {
    let desk = desk().await?;
    let tasks = desk.provision(&organization(), &[domain("poison")]).await?;
    let task = of_kind(&tasks, StepKind::PlaceOrder);
    let grace = Duration::from_millis(400);
    let mut waits = Vec::new();
    // From before one sweep to after the next: however long a statement takes, no wait seems too short.
    let mut swept = Instant::now();
    for _ in 0..5 {
        let next = loop {
            let asked = Instant::now();
            if !desk.sweep(StepKind::PlaceOrder, grace, 500).await?.is_empty() {
                break asked;
            }
            assert!(swept.elapsed() < PATIENCE, "never swept");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        waits.push(swept.elapsed());
        swept = next;
    }
    assert!(waits[2] < grace * 2, "a wake-up can be lost now and then: {waits:?}");
    assert!(
        waits[3] > grace.mul_f64(1.8) && waits[4] > grace.mul_f64(3.6),
        "{waits:?}"
    );
    desk.record(task, Outcome::pending_for(CaReason::Issuing, Some(Duration::ZERO)))
        .await?
        .expect("current");
    let begun = Instant::now();
    while desk.sweep(StepKind::PlaceOrder, grace, 500).await?.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(begun.elapsed() < grace * 3, "{:?}", begun.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_sweep_takes_no_more_than_it_is_told_and_the_oldest_first() -> anyhow::Result<()> {
    let desk = desk().await?;
    for _ in 0..5 {
        desk.provision(&organization(), &[domain("many")]).await?;
    }
    let mut sizes = Vec::new();
    loop {
        let swept = desk.sweep(StepKind::PlaceOrder, Duration::ZERO, 2).await?;
        sizes.push(swept.len());
        if sizes.len() == 3 {
            break;
        }
    }
    assert_eq!(sizes, [2, 2, 2], "without a grace whatever is due is published");
    Ok(())
}
