//! Everything, on a stack of its own.

use std::time::Duration;

use anyhow::Context as _;
use customer::percentile;
use stack::{Handle, Options};

use crate::polling::Polling;
use crate::schemathesis;
use crate::story::Story;
use crate::{judges, moto};

/// `last_operation` has to answer so soon, for 99 of 100: the platform's job queue waits for it. A debug build, beside whoever asks
/// on two processors, gets a bound that still tells when it waits for anything but itself.
const SOON: Duration = Duration::from_millis(if cfg!(debug_assertions) { 250 } else { 10 });

/// Runs it. The report, and how many promises are broken.
///
/// # Errors
/// When something is not as a platform or its user would expect.
pub async fn run(seed: u64, say: fn(&str)) -> anyhow::Result<(String, usize)> {
    // Generated requests are of one organization, and nobody proves their domains.
    let mut options = Options::fast().with_unproved_unbounded();
    let journal = tempfile::tempdir()?;
    options.aws_journal = Some(journal.path().display().to_string());
    let stack = Handle::start(options).await?;
    let story = Story::new(&stack, say)?;
    story.create().await?;
    let polling = Polling::begin(stack.endpoints(), &story.id()?)?;
    let lent = story.lend().await?;
    say("schemathesis, by /openapi.json");
    let (said, conforms) = schemathesis::run(stack.endpoints(), &lent, seed).await?;
    say(&said);
    story.live_on().await?;
    let seen = polling.seen();
    drop(polling);
    say("AWS' own service models, by what aws-sim was asked and answered");
    let (said, as_modelled) = judges::models(journal.path()).await?;
    say(&said);
    let at = |share| percentile(&seen.took, share);
    let promises = [
        ("everything is served as the document has it", conforms),
        ("AWS is asked and answers as its service models have it", as_modelled),
        ("last_operation was answered each time", seen.odd.is_empty()),
        (&*format!("  99 of 100 within {SOON:?}"), at(0.99) <= SOON),
    ];
    let mut report = format!(
        "last_operation: {} answers; p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms\n",
        seen.took.len(),
        at(0.5).as_secs_f64() * 1e3,
        at(0.99).as_secs_f64() * 1e3,
        at(1.0).as_secs_f64() * 1e3,
    );
    for odd in &seen.odd {
        report += &format!("  not answered: {odd}\n");
    }
    for (promise, kept) in promises {
        report += &format!("{} {promise}\n", if kept { "kept  " } else { "BROKEN" });
    }
    let broken = promises.iter().filter(|(_, kept)| !kept).count();
    drop(story);
    // Dropping the handle waits for the stack's end.
    tokio::task::spawn_blocking(move || drop(stack)).await?;
    say("an instance's life in a second AWS, moto's");
    report += &moto::life().await.context("moto")?;
    Ok((report, broken))
}
