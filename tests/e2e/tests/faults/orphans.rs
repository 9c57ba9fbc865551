//! The reconciler: what a lost record left behind is said and removed, and nothing that is not provably ours.

use crate::site::{Instance, PATIENCE, REPLICAS, Site};

pub(crate) async fn only_what_is_provably_ours(site: &Site) -> anyhow::Result<()> {
    // Removed, says the database, but it serves its domain; or not in the database at all. A backup that was restored
    // says such things.
    let removed = site.created().await?;
    let unknown = site.created().await?;
    // Ours by every sign, and nobody's: what a record that was lost leaves behind.
    let lost = site.created().await?;
    for (instance, how) in [(&removed, REMOVED), (&unknown, ERASED), (&lost, LOST)] {
        forget(site, instance, how).await?;
    }
    // Another service with its domain waits until it is gone.
    let id = uuid::Uuid::new_v4().to_string();
    let heir = site
        .provision_as(&id, &format!("org-{}", lost.id), &lost.domain)
        .await?;
    gone(site, &lost).await?;
    site.platform.succeeded(&heir.id, PATIENCE).await?;
    site.serves(&heir).await?;
    let told = "select count(*) from orphans where removed_at is not null and kind = 'distribution'";
    anyhow::ensure!(site.count(told).await? > 0, "written down");

    // Another broker in the same account: the tag alone tells. The witness is nobody's too, and goes, so the other was
    // looked at and left alone.
    let foreign = site.created().await?;
    site.sql("update deployment set id = gen_random_uuid()").await?;
    for n in 1..=REPLICAS {
        site.handle.restart(&format!("distribution-{n}")).await?;
    }
    // Only now: whoever still had the old tag in memory would rightly have removed it.
    forget(site, &foreign, LOST).await?;
    let witness = site.created().await?;
    forget(site, &witness, LOST).await?;
    gone(site, &witness).await?;

    for instance in [&removed, &unknown, &foreign] {
        anyhow::ensure!(site.distributions(instance).await? == 1, "{instance:?} is gone");
        anyhow::ensure!(
            site.functions(instance).await? == 1,
            "the function of {instance:?} is gone"
        );
    }
    site.serves(&removed).await?;
    site.serves(&unknown).await?;
    Ok(())
}

// Both lock the instance first, as the services do: in any other order they and a worker that writes an outcome could
// wait for each other.
const REMOVED: &str = "select 1 from instances where id = '$1' for update;
    update steps set state = 'cancelled' where operation_id in (select id from operations where instance_id = '$1');
    update operations set state = 'superseded' where instance_id = '$1' and state = 'running';
    update instances set deleted_at = now() where id = '$1'";
/// It was made, aliases and all, by a worker that never wrote it down.
const LOST: &str = "select 1 from instances where id = '$1' for update;
    delete from claims where instance_id = '$1';
    update instances set deleted_at = now(), distribution_id = null, distribution_domain = null where id = '$1'";
const ERASED: &str = "select 1 from instances where id = '$1' for update;
    delete from certificates where instance_id = '$1';
    delete from orders where operation_id in (select id from operations where instance_id = '$1');
    delete from steps where operation_id in (select id from operations where instance_id = '$1');
    delete from operations where instance_id = '$1';
    delete from claims where instance_id = '$1';
    delete from instances where id = '$1'";

/// Makes the database forget that the instance is to be looked after.
async fn forget(site: &Site, instance: &Instance, how: &str) -> anyhow::Result<()> {
    site.sql(&how.replace("$1", &instance.id)).await
}

async fn gone(site: &Site, instance: &Instance) -> anyhow::Result<()> {
    site.until("the reconciler removed it", async || {
        Ok(site.distributions(instance).await? == 0 && site.functions(instance).await? == 0)
    })
    .await
}
