//! What is kept of a step's attempts: what they saw, whenever it is something new; and a proof that is seen again is not gone.

use anyhow::Context as _;
use pipeline::proof::Method;
use pipeline::reason::{AwsReason, Look, Reason};
use pipeline::{Outcome, StepKind, Verdict};
use store::{Deprovision, Requester, Task};

use super::looks::absent;
use super::{Desk, desk, of_kind};
use crate::world::{connect, domain, organization};

impl Desk {
    /// What the page tells of the newest operation's attempts, the newest first.
    async fn news(&self, task: &Task) -> anyhow::Result<Vec<(String, Option<Reason>)>> {
        let page = self.store.page(&task.instance.id).await?.context("a page")?;
        let operation = page.facts.operations.into_iter().next().context("an operation")?;
        let news = operation.news.into_iter();
        Ok(news.map(|news| (news.subject, news.reason)).collect())
    }
}

/// One of two looks.
fn other(slow: bool) -> Look {
    Look {
        slow,
        ..absent("192.0.2.1")
    }
}

#[tokio::test]
async fn an_attempt_is_kept_when_it_saw_something_new() -> anyhow::Result<()> {
    let desk = desk().await?;
    let tasks = desk.provision(&organization(), &[domain("news")]).await?;
    let placing = of_kind(&tasks, StepKind::PlaceOrder);
    let pending = Outcome::pending(AwsReason::Deploying);
    let wake_ups = desk.record(placing, pending).await?.context("current")?;
    let placing = desk.tasks(&wake_ups).await?.remove(0);
    let wake_ups = desk.place_order(&placing, &[]).await?;
    let first = of_kind(&desk.tasks(&wake_ups).await?, StepKind::VerifyChallenge).clone();
    let second = desk.in_vain(&first, absent("192.0.2.1")).await?;
    // Only what it remembers is another.
    let third = desk.in_vain(&second, absent("192.0.2.2")).await?;
    let saw = |slow| (first.subject.clone(), Some(Reason::from(other(slow).without_memory())));
    let placed = (String::new(), Some(Reason::from(AwsReason::Deploying)));
    assert_eq!(desk.news(&first).await?, [saw(false), placed.clone()]);

    // One that was asked for and saw nothing new is none either.
    desk.change("update steps set asked_at = now()").await?;
    let fourth = desk.in_vain(&third, absent("192.0.2.2")).await?;
    let fifth = desk.in_vain(&fourth, other(true)).await?;
    assert_eq!(desk.news(&first).await?, [saw(true), saw(false), placed.clone()]);

    // As an older program writes.
    desk.change("update steps set waiting_for = 'words' where state = 'waiting'")
        .await?;
    let mut task = desk.in_vain(&fifth, other(true)).await?;
    assert_eq!(desk.news(&first).await?[..2], [saw(true), saw(true)]);

    // A domain that is now so and now otherwise.
    for round in 0..40 {
        task = desk.in_vain(&task, other(round % 2 == 1)).await?;
    }
    let news = desk.news(&first).await?;
    assert_eq!(news.len(), 31, "30 of the domain's and the order's");
    assert_eq!(news[..2], [saw(true), saw(false)], "the newest");
    assert_eq!(news.last(), Some(&placed), "each step has its own");
    Ok(())
}

#[tokio::test]
async fn of_many_steps_the_page_reads_the_newest_news() -> anyhow::Result<()> {
    let desk = desk().await?;
    let task = desk.to_look_at("many-news").await?;
    desk.change(
        "insert into step_news (step_id, attempt, at, reason) \
         select id, n, now() + n * interval '1 second', '{\"v\": 1, \"reason\": \"aws\", \"aws\": \"deploying\"}' \
         from steps, generate_series(1, 100) n",
    )
    .await?;
    let page = desk.store.page(&task.instance.id).await?.context("a page")?;
    let news = &page.facts.operations[0].news;
    assert_eq!(news.len(), 51, "one more than are shown");
    assert!(news.is_sorted_by(|one, next| one.at >= next.at));
    Ok(())
}

/// Its page is gone, and the history lasts for months.
#[tokio::test]
async fn nothing_is_kept_once_the_instance_is_removed() -> anyhow::Result<()> {
    let desk = desk().await?;
    let task = desk.to_look_at("removed-news").await?;
    desk.in_vain(&task, absent("192.0.2.1")).await?;
    let sql = connect(&desk.url).await?;
    let kept = async || -> anyhow::Result<i64> {
        let row = sql.query_one("select count(*) from step_news", &[]).await?;
        Ok(row.try_get(0)?)
    };
    assert_eq!(kept().await?, 1);
    let instance = &task.instance.id;
    let Deprovision::Accepted { mut wake_ups, .. } = desk
        .store
        .deprovision(instance, &Requester::default(), &desk.schedules)
        .await?
    else {
        anyhow::bail!("not accepted");
    };
    assert_eq!(kept().await?, 1, "the page is there");
    while let [task] = desk.tasks(&wake_ups).await?.as_slice() {
        wake_ups = desk.record(task, Outcome::DONE).await?.context("current")?;
    }
    assert!(desk.store.page(instance).await?.is_none());
    assert_eq!(kept().await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_proof_that_a_renewal_sees_is_not_gone_any_more() -> anyhow::Result<()> {
    let desk = desk().await?;
    let task = desk.to_look_at("seen-again").await?;
    let gone = "update claims set proof_gone_at = now() - interval '1 day', \
                proof_seen = '{\"v\": 0, \"text\": \"nothing found\"}'";
    let told = async || -> anyhow::Result<bool> {
        let view = desk.store.last_operation(&task.instance.id, None).await?;
        let domain = view.context("an operation")?.domains.remove(0);
        assert_eq!(domain.proof_gone_at.is_some(), domain.proof_seen.is_some());
        Ok(domain.proof_gone_at.is_some())
    };
    desk.change(gone).await?;
    let task_again = desk.in_vain(&task, absent("192.0.2.1")).await?;
    assert!(told().await?, "it was not seen");

    // In place, but time has to pass; then it is verified.
    desk.store.proof_seen(&task_again).await?;
    assert!(!told().await?);
    desk.change(gone).await?;
    let verified = Outcome::Done(Verdict::Verified(Method::DnsPersist01));
    desk.record(&task_again, verified).await?.context("current")?;
    assert!(!told().await?);
    Ok(())
}
