//! The same on a small scale: these need PostgreSQL, RabbitMQ and Pebble (tests/setup.sh).

use std::time::Duration;

use load::{crowd, fairness};
use tokio::sync::Mutex;

/// One stack at a time: the tests measure time.
static TURN: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread")]
async fn many_instances_at_once_are_all_served_and_all_removed() -> anyhow::Result<()> {
    let _turn = TURN.lock().await;
    let wish = crowd::Wish {
        instances: 40,
        domains: 10,
        within: Duration::from_secs(300),
    };
    kept(crowd::run(wish, |line| println!("{line}")).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_slow_domains_do_not_delay_anothers_single_one() -> anyhow::Result<()> {
    let _turn = TURN.lock().await;
    let wish = fairness::Wish { slow: 100, singles: 3 };
    kept(fairness::run(wish, |line| println!("{line}")).await?)
}

fn kept((report, broken): (String, usize)) -> anyhow::Result<()> {
    println!("{report}");
    anyhow::ensure!(broken == 0, "{broken} promises are broken");
    Ok(())
}
