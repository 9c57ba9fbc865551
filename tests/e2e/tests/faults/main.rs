//! Processes that die or freeze at every point of a delivery: see shared/crash-points. Each test has a stack of its
//! own, with three processes of every worker, so that they run side by side.

mod crashes;
mod orphans;
mod points;
mod poison;
mod site;
mod zombies;

use std::sync::Arc;

use site::Site;

#[tokio::test]
async fn a_process_dies_at_every_point_and_every_effect_happens_once() -> anyhow::Result<()> {
    let site = Arc::new(Site::start().await?);
    crashes::every_point(&site).await
}

#[tokio::test]
async fn a_zombie_that_wakes_up_after_a_newer_operation_changes_nothing() -> anyhow::Result<()> {
    let site = Site::start().await?;
    zombies::every_moment(&site).await
}

#[tokio::test]
async fn the_reconciler_removes_what_is_provably_ours_and_nobodys() -> anyhow::Result<()> {
    let site = Site::start().await?;
    orphans::only_what_is_provably_ours(&site).await
}

#[tokio::test]
async fn a_handler_that_panics_or_never_returns_is_told_and_the_worker_lives_on() -> anyhow::Result<()> {
    let site = Site::start().await?;
    poison::a_handler_that_panics_or_hangs(&site).await
}
