//! A short run: faults of all kinds for a minute, and every promise is kept.

use std::time::Duration;

use chaos::{Wish, run};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_ends_once_though_everything_goes_wrong() -> anyhow::Result<()> {
    let wish = Wish {
        seed: 1,
        length: Some(Duration::from_secs(60)),
        operations: 30,
        at_once: 12,
    };
    let outcome = run(&wish, CancellationToken::new(), |line| println!("{line}")).await?;
    println!("{}", outcome.text);
    assert_eq!(outcome.broken, 0, "logs: {:?}", outcome.logs);
    Ok(())
}
