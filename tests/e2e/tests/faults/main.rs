//! Processes that die or freeze at every point of a delivery: see shared/crash-points. One stack for all, with three
//! processes of every worker, and one test after the other.
#![expect(clippy::expect_used, reason = "a test that can't go on says so")]

mod crashes;
mod orphans;
mod points;
mod poison;
mod site;
mod zombies;

use site::Site;

#[tokio::test]
async fn a_process_dies_at_every_point_and_every_effect_happens_once() -> anyhow::Result<()> {
    let turn = Site::of_all_tests().await;
    crashes::every_point(&turn).await
}

#[tokio::test]
async fn a_zombie_that_wakes_up_after_a_newer_operation_changes_nothing() -> anyhow::Result<()> {
    let turn = Site::of_all_tests().await;
    zombies::every_moment(&turn).await
}

#[tokio::test]
async fn the_reconciler_removes_what_is_provably_ours_and_nobodys() -> anyhow::Result<()> {
    let turn = Site::of_all_tests().await;
    orphans::only_what_is_provably_ours(&turn).await
}

#[tokio::test]
async fn a_handler_that_panics_or_never_returns_is_told_and_the_worker_lives_on() -> anyhow::Result<()> {
    let turn = Site::of_all_tests().await;
    poison::a_handler_that_panics_or_hangs(&turn).await
}
