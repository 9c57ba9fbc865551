//! Of pages that are open, and of no others, PostgreSQL notifies changes.

use anyhow::Context as _;
use store::PageFeed;
use tokio::time::timeout;

use super::desk;
use crate::world::{PATIENCE, connect, domain};

/// The instance that is notified next.
async fn notified(feed: &mut PageFeed) -> anyhow::Result<String> {
    Ok(timeout(PATIENCE, feed.changed())
        .await
        .context("nothing is notified")??)
}

async fn renewed(feed: &PageFeed, instance: &str) -> anyhow::Result<i64> {
    let versions = feed.renew(&[instance.to_owned()]).await?;
    versions.get(instance).copied().context("no version")
}

#[tokio::test]
async fn only_changes_of_open_pages_are_notified() -> anyhow::Result<()> {
    let desk = desk().await?;
    let names = [domain("open")];
    let shut = desk.provision("org-1", &[domain("shut")]).await?.remove(0).instance.id;
    let open = desk.provision("org-1", &names).await?.remove(0).instance.id;
    let sql = connect(&desk.url).await?;
    for id in [&shut, &open] {
        sql.execute(
            "insert into page_links (instance_id, expires_at) values ($1, now())",
            &[id],
        )
        .await?;
    }
    let mut feed = desk.store.page_feed().await?;
    let mut version = desk.store.watch_page(&open).await?;
    assert_eq!(renewed(&feed, &open).await?, version, "nothing has changed");
    for change in [
        "update operations set version = version + 1 where instance_id = $1",
        "update claims set proof_gone_at = now() where instance_id = $1",
        "update claims set lost_at = now() where instance_id = $1",
        "update page_links set number = number + 1 where instance_id = $1",
        "update page_links set revoked_at = now() where instance_id = $1",
        "insert into outside_checks (instance_id, asked_at) values ($1, now())",
        "update outside_checks set attempts = 1, taken_at = now() where instance_id = $1",
        "update outside_checks set done_at = now() where instance_id = $1",
        "update operations set state = 'failed', ended_at = now() where instance_id = $1",
    ] {
        // The order of notifications is that of the commits: one of the page that is shut would be the first.
        for id in [&shut, &open] {
            assert_eq!(sql.execute(change, &[id]).await?, 1, "{change}");
        }
        assert_eq!(notified(&mut feed).await?, open, "{change}");
        let now = renewed(&feed, &open).await?;
        assert_ne!(now, version, "{change}");
        version = now;
    }
    // Another instance asks for its domain, and for another one.
    desk.provision("org-2", &[domain("elsewhere")]).await?;
    desk.provision("org-2", &names).await?;
    assert_eq!(notified(&mut feed).await?, open);

    // Nobody has renewed it.
    let age = "update page_watches set until = now() - interval '1 second'";
    assert_eq!(sql.execute(age, &[]).await?, 1);
    desk.store.watch_page(&shut).await?;
    for id in [&open, &shut] {
        let change = "update operations set version = version + 1 where instance_id = $1";
        sql.execute(change, &[id]).await?;
    }
    assert_eq!(notified(&mut feed).await?, shut);
    renewed(&feed, &shut).await?;
    let left = sql.query_one("select count(*) from page_watches", &[]).await?;
    assert_eq!(left.get::<_, i64>(0), 1, "what has ended is deleted");
    Ok(())
}

#[tokio::test]
async fn a_look_that_saw_nothing_new_is_found_by_the_next_renewal() -> anyhow::Result<()> {
    let desk = desk().await?;
    let id = desk.provision("org-1", &[domain("looks")]).await?.remove(0).instance.id;
    let before = desk.store.watch_page(&id).await?;
    let looked = "update steps set checked_at = now() where state = 'waiting'";
    assert_eq!(connect(&desk.url).await?.execute(looked, &[]).await?, 1);
    assert_ne!(desk.store.watch_page(&id).await?, before);
    Ok(())
}
