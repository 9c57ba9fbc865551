//! A whole run: start, inject faults while operations run, lift them, wait, remove, wait, report.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use stack::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::evidence::{self, Evidence};
use crate::facts::{End, Kind};
use crate::hands::{Errand, errands};
use crate::injector::Injector;
use crate::jobs::Course;
use crate::life::World;
use crate::schedule::schedule;
use crate::{holdings, live, memory, report, setup, verdict};

/// A schedule's default length: the run ends earlier, or the faults end.
pub const LONGEST: Duration = Duration::from_secs(3600);
const POLL_EVERY: Duration = Duration::from_secs(1);
/// Every operation must end within this time after the faults.
const ENDS_WITHIN: Duration = Duration::from_secs(240);
/// Orphans, and values in the broker's zone, must be removed within this time.
const RECONCILED_WITHIN: Duration = Duration::from_secs(90);

/// The parameters of a run.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The seed of everything.
    pub seed: u64,
    /// How long faults are injected; `None`: until all operations have ended. Operations go on as long.
    pub length: Option<Duration>,
    /// The minimum number of operations.
    pub operations: usize,
    /// The number of concurrent instances.
    pub at_once: usize,
}

/// The result.
pub struct Outcome {
    /// The report.
    pub text: String,
    /// Broken promises; 0 for an interrupted run.
    pub broken: usize,
    /// Where the logs were kept, if a promise was broken.
    pub logs: Option<PathBuf>,
}

/// Runs the test. `interrupted` ends it early, with the report so far; `say` receives a line periodically.
///
/// # Errors
/// When the stack does not start, or its final state can't be read.
pub async fn run(wish: &Wish, interrupted: CancellationToken, say: fn(&str)) -> anyhow::Result<Outcome> {
    let stack = tokio::select! {
        stack = Handle::start(setup::options()) => Arc::new(stack?),
        () = interrupted.cancelled() => anyhow::bail!("interrupted while the stack was starting"),
    };
    let endpoints = stack.endpoints().clone();
    say(&format!(
        "seed {}; logs in {}",
        wish.seed,
        endpoints.folder.join("logs").display()
    ));
    let world = Arc::new(World::begin(Arc::clone(&stack), POLL_EVERY, wish.seed).await?);
    let facts = Arc::clone(&world.facts);
    facts.seen().delegated_planned = delegated(&planned(wish));
    let memory_at_start = memory::read(&stack.endpoints_now().await?);
    let live = tokio::spawn(live::tell(Arc::clone(&facts), endpoints.clone(), say));
    let went = tokio::select! {
        went = everything(wish, &world, say) => went.map(|()| true),
        () = interrupted.cancelled() => Ok(false),
    };
    live.abort();
    let to_the_end = went?;
    let evidence = match timeout(Duration::from_secs(20), evidence::collect(&stack)).await {
        Ok(Ok(evidence)) => evidence,
        failed if to_the_end => failed.context("collecting the evidence")??,
        _ => Evidence::default(),
    };
    let ended_by_themselves: Vec<String> = stack
        .progress()
        .lines()
        .filter(|line| line.contains(" has ended ("))
        .map(str::to_owned)
        .collect();
    facts.seen().troubles.extend(ended_by_themselves);
    let memory = memory::compare(&memory_at_start, &memory::read(&stack.endpoints_now().await?));
    let lines = verdict::lines(&facts.seen(), &evidence);
    let (mut text, mut broken) = report::table(
        &format!("chaos report, seed {}", wish.seed),
        &lines,
        &facts.seen(),
        &memory,
    );
    if !to_the_end {
        text.push_str("interrupted: what was still running is not held against anybody\n");
        broken = 0;
    }
    let logs = match broken {
        0 => None,
        _ => Some(keep(&endpoints.folder.join("logs"), wish.seed, &text)?),
    };
    drop(world);
    // Dropping the handle waits until the stack has ended.
    tokio::task::spawn_blocking(move || drop(stack)).await?;
    Ok(Outcome { text, broken, logs })
}

/// The run itself: returns when there is nothing more to wait for.
async fn everything(wish: &Wish, world: &Arc<World>, say: fn(&str)) -> anyhow::Result<()> {
    let plan = schedule(wish.seed, wish.length.unwrap_or(LONGEST), &setup::targets());
    let over = CancellationToken::new();
    let faults = tokio::spawn(Arc::new(Injector::new(Arc::clone(world))).play(plan, over.clone()));
    let mut lives = begin(wish, world);
    let all_ended = async { while lives.join_next().await.is_some() {} };
    match wish.length {
        Some(length) => {
            tokio::select! {
                () = sleep(length) => {}
                // Nothing is left to inject faults into.
                () = all_ended => {}
            }
        }
        None => {
            timeout(LONGEST, all_ended).await.ok();
        }
    }
    over.cancel();
    faults.await.context("the faults' task")?;
    world.facts.seen().peace = Some(std::time::Instant::now());
    say("the faults are lifted");
    if timeout(ENDS_WITHIN, async { while lives.join_next().await.is_some() {} })
        .await
        .is_err()
    {
        say(&format!("not everything has ended {ENDS_WITHIN:?} after the faults"));
        lives.abort_all();
        return Ok(());
    }
    let holdings = holdings::look(world.stack.endpoints()).await.context("who has what")?;
    world.facts.seen().holdings = Some(holdings);
    say("every operation has ended; what is left is removed");
    clean_up(wish, world).await;
    nothing_left(world, say).await
}

/// Starts one instance after the other, with a concurrency limit; more than requested if there is time left.
fn begin(wish: &Wish, world: &Arc<World>) -> JoinSet<()> {
    let seats = Arc::new(Semaphore::new(wish.at_once));
    let mut lives = JoinSet::new();
    let (world, wish) = (Arc::clone(world), wish.clone());
    lives.spawn(async move {
        let mut begun = JoinSet::new();
        let until = wish.length.map(|length| Instant::now() + length);
        let mut operations = 0;
        for errand in errands(wish.seed) {
            let Ok(seat) = Arc::clone(&seats).acquire_owned().await else {
                break;
            };
            if operations >= wish.operations && until.is_none_or(|until| Instant::now() >= until) {
                break;
            }
            operations += errand.operations();
            let world = Arc::clone(&world);
            begun.spawn(async move {
                match errand {
                    Errand::Job(job) => world.live(&job).await,
                    Errand::HandOver(hand_over) => world.hand_over(&hand_over).await,
                }
                drop(seat);
            });
            while begun.try_join_next().is_some() {}
        }
        while begun.join_next().await.is_some() {}
    });
    lives
}

/// Removes the instances that the run created and did not remove.
async fn clean_up(wish: &Wish, world: &Arc<World>) {
    let mut left = BTreeSet::new();
    for asked in &world.facts.seen().operations {
        match (asked.kind, &asked.ended) {
            (Kind::Provision, _) => left.insert(asked.instance.clone()),
            (Kind::Update, _) => false,
            (_, Some((_, End::Succeeded))) => left.remove(&asked.instance),
            _ => false,
        };
    }
    let seats = Arc::new(Semaphore::new(wish.at_once));
    let mut removals = JoinSet::new();
    for instance in left {
        let (world, seats) = (Arc::clone(world), Arc::clone(&seats));
        removals.spawn(async move {
            let _seat = seats.acquire_owned().await;
            world.remove(&instance, Kind::Cleanup).await;
        });
    }
    timeout(ENDS_WITHIN, async { while removals.join_next().await.is_some() {} })
        .await
        .ok();
}

/// Waits until AWS and the broker's zone contain nothing any more, for at most as long as the reconcilers may take.
async fn nothing_left(world: &World, say: fn(&str)) -> anyhow::Result<()> {
    let deadline = Instant::now() + RECONCILED_WITHIN;
    loop {
        let evidence = evidence::collect(&world.stack).await?;
        let in_aws = evidence.distributions_left.len() + evidence.certificates_left.len();
        let in_zone = evidence.texts_left.len();
        let nothing = in_aws == 0 && in_zone == 0 && evidence.values_left == 0;
        if nothing || Instant::now() > deadline {
            return Ok(());
        }
        say(&format!(
            "{in_aws} things are left in AWS, {in_zone} values in the broker's zone ({} by the database)",
            evidence.values_left
        ));
        sleep(Duration::from_secs(5)).await;
    }
}

/// Copies the logs and the report out of the stack's folder, which is removed with the stack.
fn keep(logs: &std::path::Path, seed: u64, report: &str) -> anyhow::Result<PathBuf> {
    let to = std::env::temp_dir().join(format!("cdn-broker-chaos-seed{seed}-{}", std::process::id()));
    std::fs::create_dir_all(&to)?;
    for entry in std::fs::read_dir(logs)? {
        let entry = entry?;
        std::fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    std::fs::write(to.join("report.txt"), report)?;
    Ok(to)
}

/// The requests, for the plan.
pub fn planned(wish: &Wish) -> Vec<Errand> {
    let mut operations = 0;
    errands(wish.seed)
        .take_while(|errand| {
            let wanted = operations < wish.operations;
            operations += errand.operations();
            wanted
        })
        .collect()
}

/// The domains of a plan that are proved at `_acme-challenge`, of instances that nobody cancels.
fn delegated(plan: &[Errand]) -> BTreeSet<String> {
    let jobs = plan.iter().filter_map(|errand| match errand {
        Errand::Job(job) if !matches!(job.course, Course::Cancel(_)) => Some(job.changed()),
        Errand::Job(_) | Errand::HandOver(_) => None,
    });
    jobs.flat_map(|job| job.delegated().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_a_short_run_has_a_delegated_domain() {
        for seed in 1..8 {
            let wish = Wish {
                seed,
                length: None,
                operations: 30,
                at_once: 12,
            };
            assert!(!delegated(&planned(&wish)).is_empty(), "seed {seed}");
        }
    }
}
