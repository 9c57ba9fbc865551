//! A worker that is asked to end finishes or gives back what is in hand, and the others go on.

use stack::Signal;

use crate::world::{PATIENCE, domain, world};

#[tokio::test]
async fn a_worker_that_is_stopped_gives_its_work_to_the_other() -> anyhow::Result<()> {
    let world = world().await;
    let domains: Vec<String> = (0..20).map(|i| domain(&format!("shutdown-{i:02}"))).collect();
    let instance = world.create(&domains).await?;
    let told = world.told(&instance).await?;
    let begun = std::time::Instant::now();
    world.handle.kill("challenge-verifier-1", Signal::Term).await?;
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "within its grace");
    let e = world.handle.endpoints_now().await?;
    let process = e.process("challenge-verifier-1").expect("the process is known");
    assert_eq!(process.pid, None, "it has ended");
    let log = std::fs::read_to_string(&process.log)?;
    assert!(log.contains("shutting down"), "it was asked, not killed");
    for domain in &domains {
        world.set_persist(&told, domain).await?;
    }
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    world.handle.start_again("challenge-verifier-1").await?;
    world.serves(&instance).await
}
