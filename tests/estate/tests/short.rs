//! The same on a small scale: it needs PostgreSQL, RabbitMQ and Pebble (tests/setup.sh).

use std::time::Duration;

use estate::course::{self, Wish};

#[tokio::test(flavor = "multi_thread")]
async fn no_certificate_ends_though_workers_die_and_the_ca_is_away_for_a_third_of_a_life() -> anyhow::Result<()> {
    let day = Duration::from_secs(86_400);
    // A renewal takes time, however short a lifetime is: some 17 s at a load of 30, and the outage leaves it a sixth of
    // the lifetime.
    let life = Duration::from_secs(160);
    let wish = Wish {
        instances: 4,
        life,
        scale: (day * 64).div_duration_f64(life),
        time: day * 70,
        retention: day * 20,
        plot: None,
    };
    let (report, broken) = course::run(wish, |line| println!("{line}")).await?;
    println!("{report}");
    anyhow::ensure!(broken == 0, "{broken} promises are broken");
    Ok(())
}
