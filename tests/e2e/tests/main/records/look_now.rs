//! A look that a tenant asks for: when it is granted, and that it is the one that counts.

use std::time::Duration;

use anyhow::{Context as _, bail};
use pipeline::page::LookFacts;
use pipeline::proof::Method;
use pipeline::reason::Look;
use pipeline::{Outcome, StepKind, Verdict, WakeUp};
use store::{LookNow, Task};

use super::looks::absent;
use super::{Desk, desk};
use crate::world::{connect, domain};

impl Desk {
    async fn look_now(&self, task: &Task) -> anyhow::Result<LookNow> {
        Ok(self.store.look_now(&task.instance.id, &task.subject).await?)
    }

    async fn granted(&self, task: &Task) -> anyhow::Result<WakeUp> {
        match self.look_now(task).await? {
            LookNow::Asked(wake_up) => Ok(wake_up),
            refused => bail!("refused: {refused:?}"),
        }
    }

    /// Changes the rows of this database, which has one instance.
    pub(super) async fn change(&self, sql: &str) -> anyhow::Result<()> {
        Ok(connect(&self.url).await?.batch_execute(sql).await?)
    }

    /// What the page knows of looks at the domain.
    async fn look_on_the_page(&self, task: &Task) -> anyhow::Result<LookFacts> {
        let page = self.store.page(&task.instance.id).await?.context("a page")?;
        let mut looks = page.facts.looks.into_iter();
        looks.find(|look| look.domain == task.subject).context("a look")
    }

    async fn running_version(&self, task: &Task) -> anyhow::Result<i64> {
        let polled = self.store.polled(&task.instance.id, None).await?;
        polled.and_then(|polled| polled.running_version).context("no version")
    }
}

/// Longer ago than a look may be asked for again.
const AGED: &str = "update steps set checked_at = checked_at - interval '10 seconds'";

#[tokio::test]
async fn a_look_that_is_asked_for_is_whole_is_the_one_that_counts_and_is_news() -> anyhow::Result<()> {
    let desk = desk().await?;
    let first = desk.to_look_at("asked-for").await?;
    assert!(
        matches!(desk.look_now(&first).await?, LookNow::UnderWay),
        "the first comes by itself"
    );
    assert_eq!(desk.look_on_the_page(&first).await?.again_at, None);
    let under_way = desk.in_vain(&first, absent("192.0.2.1")).await?;
    assert!(matches!(desk.look_now(&under_way).await?, LookNow::TooSoon));
    assert!(desk.look_on_the_page(&under_way).await?.again_at.is_some());

    desk.change(AGED).await?;
    let version = desk.running_version(&under_way).await?;
    let wake_up = desk.granted(&under_way).await?;
    assert_eq!(
        (wake_up.step, wake_up.attempt, wake_up.delay),
        (under_way.step, under_way.attempt + 1, Duration::ZERO)
    );
    assert_eq!(desk.running_version(&under_way).await?, version + 1);
    assert!(matches!(desk.look_now(&under_way).await?, LookNow::UnderWay));
    let shown = desk.look_on_the_page(&under_way).await?;
    assert!(shown.asked_at.is_some() && shown.published, "{shown:?}");

    // A look that has begun before may have missed what was set since.
    let verified = Outcome::Done(Verdict::Verified(Method::Dns01));
    assert_eq!(desk.record(&under_way, verified).await?, None);

    // RabbitMQ doesn't take it: the next sweep does, without its grace.
    let wake_ups = [wake_up];
    desk.store.not_published(&wake_ups).await?;
    assert!(!desk.look_on_the_page(&under_way).await?.published);
    let swept = desk
        .sweep(StepKind::VerifyChallenge, Duration::from_secs(3600), 10)
        .await?;
    assert_eq!(swept, wake_ups);

    let asked = desk.tasks(&swept).await?.remove(0);
    assert_eq!(asked.early, Duration::ZERO);
    let whole = absent("192.0.2.1").without_memory();
    assert_eq!(desk.before(&asked).await?, Some(whole), "it looks at everything");
    // It sees what the one before it saw: of any other look that would be no news.
    let version = desk.running_version(&asked).await?;
    let next = desk.in_vain(&asked, absent("192.0.2.2")).await?;
    assert_eq!(desk.running_version(&next).await?, version + 1);
    assert_eq!(desk.look_on_the_page(&next).await?.asked_at, None);
    assert!(matches!(desk.look_now(&next).await?, LookNow::TooSoon));
    desk.in_vain(&next, absent("192.0.2.2")).await?;
    assert_eq!(desk.running_version(&asked).await?, version + 1);
    Ok(())
}

#[tokio::test]
async fn no_look_is_granted_to_a_domain_that_rests_or_for_which_nothing_waits() -> anyhow::Result<()> {
    let desk = desk().await?;
    let task = desk.to_look_at("rests").await?;
    let slow = Outcome::pending_slow(Look::default());
    let wake_ups = desk.record(&task, slow).await?.context("current")?;
    let task = desk.tasks(&wake_ups).await?.remove(0);

    // One that takes long comes round a little earlier than by itself.
    desk.change("update steps set due_at = now() + interval '1 hour', checked_at = now() - interval '4 minutes'")
        .await?;
    assert!(matches!(desk.look_now(&task).await?, LookNow::TooSoon));
    desk.change("update steps set checked_at = now() - interval '5 minutes'")
        .await?;
    desk.change("update claims set held_until = now() + interval '1 hour'")
        .await?;
    assert!(matches!(desk.look_now(&task).await?, LookNow::Held));
    assert!(desk.look_on_the_page(&task).await?.held_until.is_some());

    desk.change("update claims set held_until = now()").await?;
    let id = task.instance.id.as_str();
    for (instance, name) in [(id, domain("another")), ("another", task.subject.clone())] {
        let refused = desk.store.look_now(instance, &name).await?;
        assert!(
            matches!(refused, LookNow::NothingWaits),
            "{instance} {name}: {refused:?}"
        );
    }
    let wake_up = desk.granted(&task).await?;
    let asked = desk.tasks(&[wake_up]).await?.remove(0);
    assert_eq!(asked.slow_looks, 1, "the next one is as far away as ever");

    let verified = Outcome::Done(Verdict::Verified(Method::Dns01));
    desk.record(&asked, verified).await?.context("current")?;
    assert!(matches!(desk.look_now(&asked).await?, LookNow::NothingWaits));
    desk.change("update operations set state = 'failed', ended_at = now()")
        .await?;
    assert!(matches!(desk.look_now(&asked).await?, LookNow::NothingWaits));
    Ok(())
}
