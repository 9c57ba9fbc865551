//! A process dies at every point of every step, another takes over, and every outside effect is there once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::points::{all, service};
use crate::site::{Instance, PATIENCE, Site};

/// Operations that run at the same time.
const AT_ONCE: usize = 6;
/// Points of one service that are armed at the same time: more would leave no process to do the work.
const ARMED: usize = 2;

pub(crate) async fn every_point(site: &Arc<Site>) -> anyhow::Result<()> {
    let mut waiting: Vec<String> = all();
    let total = waiting.len();
    let mut armed: BTreeSet<String> = BTreeSet::new();
    let mut died = 0;
    let mut running = JoinSet::new();
    let mut instances: Vec<Instance> = Vec::new();
    let deadline = tokio::time::Instant::now() + PATIENCE * 4;
    // To the end of the last operation: whom the last point kills is dead a moment after its hit is seen.
    loop {
        let more = !(waiting.is_empty() && armed.is_empty());
        if !more && running.is_empty() {
            break;
        }
        anyhow::ensure!(
            tokio::time::Instant::now() < deadline,
            "never reached: {armed:?}, not yet armed: {waiting:?}"
        );
        // An attempt that dies runs its steps from the beginning, so whatever is armed is reached sooner or later.
        while let Some(point) = next(&mut waiting, &armed) {
            site.points.arm(&point, "abort")?;
            armed.insert(point);
        }
        while more && running.len() < AT_ONCE {
            let site = site.clone();
            running.spawn(async move { life(&site).await });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        armed.retain(|point| site.points.hit(point).is_none());
        died += site.revive().await?;
        while let Some(ended) = running.try_join_next() {
            instances.push(ended??);
        }
    }
    println!(
        "{total} points, {died} processes died, {} instances came and went",
        instances.len()
    );
    anyhow::ensure!(died as usize >= total, "a point that is hit kills its process");

    let operations = "select count(*) from operations where state <> 'succeeded'";
    anyhow::ensure!(site.count(operations).await? == 0, "every operation succeeded");
    let doubled = "select count(*) from (select 1 from certificates c group by order_id having count(*) > 1) d";
    anyhow::ensure!(site.count(doubled).await? == 0, "an order gave one certificate");
    site.zone_is_tidy().await
}

/// Takes the last of those that wait whose service has room for it.
fn next(waiting: &mut Vec<String>, armed: &BTreeSet<String>) -> Option<String> {
    let has_room = |point: &String| armed.iter().filter(|other| service(other) == service(point)).count() < ARMED;
    let place = waiting.iter().rposition(has_room)?;
    Some(waiting.remove(place))
}

/// Made, updated, looked at, renewed, and removed: one distribution, one certificate, one function while it redirects, then nothing.
async fn life(site: &Site) -> anyhow::Result<Instance> {
    let instance = site.created().await?;
    let functions = async |expected: usize, when: &str| {
        let there = site.functions(&instance).await?;
        anyhow::ensure!(there == expected, "{there} functions {when} for {instance:?}");
        anyhow::Ok(())
    };
    functions(1, "with a redirect").await?;
    site.extend(&instance).await?;
    functions(0, "without a redirect").await?;
    let second = format!("second.{}", instance.domain);
    for target in [&instance.domain, &second] {
        site.redirect(&instance, Some(target)).await?;
        functions(1, "with a redirect").await?;
        site.redirects(&instance, &second, target).await?;
    }
    site.renew(&instance).await?;
    let (distributions, certificates) = (
        site.distributions(&instance).await?,
        site.certificates(&instance).await?,
    );
    anyhow::ensure!(
        (distributions, certificates) == (1, 1),
        "{distributions} distributions, {certificates} certificates for {instance:?}"
    );
    site.delete(&instance).await?;
    let (distributions, certificates) = (
        site.distributions(&instance).await?,
        site.certificates(&instance).await?,
    );
    anyhow::ensure!(
        (distributions, certificates) == (0, 0),
        "{distributions} distributions, {certificates} certificates left of {instance:?}"
    );
    functions(0, "left").await?;
    Ok(instance)
}
