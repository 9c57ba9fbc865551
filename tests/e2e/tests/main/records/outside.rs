//! A check from outside: one a minute, done by one process at a time, by another one when that is gone.

use anyhow::Context as _;
use pipeline::outside::{Checked, MOST_ATTEMPTS};
use pipeline::page::OutsideFacts;
use store::{AskOutside, OutsideCheck};
use time::OffsetDateTime;
use tokio::time::timeout;

use super::{Desk, desk};
use crate::world::{PATIENCE, domain};

/// A distribution that doesn't exist is enough here.
const THERE: &str = "update instances set distribution_domain = 'd1.cloudfront.net'";
const A_MINUTE_LATER: &str = "update outside_checks set asked_at = asked_at - interval '1 minute'";
const TAKER_IS_GONE: &str = "update outside_checks set taken_at = taken_at - interval '31 seconds'";

impl Desk {
    async fn take_check(&self) -> anyhow::Result<OutsideCheck> {
        self.store.take_outside_check().await?.context("a check")
    }

    /// What the page knows of the check.
    async fn check_on_the_page(&self, instance: &str) -> anyhow::Result<OutsideFacts> {
        let page = self.store.page(instance).await?.context("a page")?;
        page.facts.outside.context("a check")
    }
}

fn saw(next: Option<&str>) -> Checked {
    Checked {
        at: OffsetDateTime::now_utc(),
        distribution: "d1.cloudfront.net".into(),
        origin: "origin.example".into(),
        redirect_to: None,
        echo: None,
        domains: Vec::new(),
        of: 9,
        next: next.map(str::to_owned),
    }
}

#[tokio::test]
async fn a_check_is_asked_for_once_a_minute_told_taken_and_done() -> anyhow::Result<()> {
    let desk = desk().await?;
    let id = desk
        .provision("org-1", &[domain("outside")])
        .await?
        .remove(0)
        .instance
        .id;
    let store = &desk.store;
    for instance in [id.as_str(), "unknown"] {
        assert_eq!(store.ask_outside(instance, None).await?, AskOutside::NothingThere);
    }
    assert_eq!(store.take_outside_check().await?, None);

    desk.change(THERE).await?;
    let mut feed = store.outside_feed().await?;
    assert_eq!(store.ask_outside(&id, Some("/headers")).await?, AskOutside::Asked);
    timeout(PATIENCE, feed.asked()).await.context("nobody is woken")??;
    assert_eq!(store.ask_outside(&id, None).await?, AskOutside::UnderWay);
    let asked = desk.check_on_the_page(&id).await?;
    assert!(asked.taken_at.is_none() && asked.done_at.is_none() && asked.attempts == 0);

    let check = desk.take_check().await?;
    assert_eq!(
        (check.instance.as_str(), check.echo.as_deref()),
        (id.as_str(), Some("/headers"))
    );
    assert_eq!(check.next, None);
    assert_eq!(store.take_outside_check().await?, None, "it is taken");
    assert!(desk.check_on_the_page(&id).await?.taken_at.is_some());
    let seen = saw(Some("m.example.com"));
    assert!(store.outside_checked(&check, Some(&seen)).await?);
    let shown = desk.check_on_the_page(&id).await?;
    assert!(shown.done_at.is_some());
    assert_eq!(shown.result, Some(seen.clone()));
    assert_eq!(store.take_outside_check().await?, None);
    assert_eq!(store.ask_outside(&id, None).await?, AskOutside::TooSoon);

    desk.change(A_MINUTE_LATER).await?;
    assert_eq!(store.ask_outside(&id, None).await?, AskOutside::Asked);
    let again = desk.check_on_the_page(&id).await?;
    assert!(again.done_at.is_none() && again.taken_at.is_none());
    assert_eq!(again.result, Some(seen), "what was seen before stays until then");
    let check = desk.take_check().await?;
    assert_eq!((check.echo, check.next.as_deref()), (None, Some("m.example.com")));
    Ok(())
}

#[tokio::test]
async fn what_a_taker_left_is_taken_by_another_one_and_not_for_ever() -> anyhow::Result<()> {
    let desk = desk().await?;
    let id = desk.provision("org-1", &[domain("left")]).await?.remove(0).instance.id;
    let store = &desk.store;
    desk.change(THERE).await?;
    store.ask_outside(&id, None).await?;
    let first = desk.take_check().await?;
    desk.change(TAKER_IS_GONE).await?;
    let second = desk.take_check().await?;
    // It was only slow.
    assert!(!store.outside_checked(&first, Some(&saw(None))).await?);
    assert!(store.outside_checked(&second, None).await?);
    assert!(!store.outside_checked(&second, None).await?, "once");

    // Another one is asked for while somebody is at it: what he saw is of the one before.
    desk.change(A_MINUTE_LATER).await?;
    store.ask_outside(&id, None).await?;
    let slow = desk.take_check().await?;
    desk.change(A_MINUTE_LATER).await?;
    assert_eq!(store.ask_outside(&id, None).await?, AskOutside::Asked);
    assert!(!store.outside_checked(&slow, Some(&saw(None))).await?);

    for _ in 0..MOST_ATTEMPTS {
        desk.take_check().await?;
        desk.change(TAKER_IS_GONE).await?;
    }
    assert_eq!(store.take_outside_check().await?, None, "it may be what kills them");
    desk.change(A_MINUTE_LATER).await?;
    assert_eq!(store.ask_outside(&id, None).await?, AskOutside::Asked);
    desk.take_check().await?;
    Ok(())
}

#[tokio::test]
async fn two_who_come_at_once_take_two() -> anyhow::Result<()> {
    let desk = desk().await?;
    let mut asked = Vec::new();
    for label in ["one", "two"] {
        let id = desk.provision("org-1", &[domain(label)]).await?.remove(0).instance.id;
        desk.change(THERE).await?;
        desk.store.ask_outside(&id, None).await?;
        asked.push(id);
    }
    let (first, second) = tokio::join!(desk.take_check(), desk.take_check());
    let mut taken = [first?.instance, second?.instance];
    taken.sort();
    asked.sort();
    assert_eq!(taken[..], asked[..]);
    assert_eq!(desk.store.take_outside_check().await?, None);
    Ok(())
}
