//! The stack of a chaos run: several processes of each worker, a proxy at every link, time limits of attempts shorter
//! than a freeze.

use std::time::Duration;

use serde_json::json;
use stack::{Options, Peer};

use crate::schedule::Targets;

/// The time limit of an attempt. Shorter than any freeze of the schedule, and than the sweeper's grace.
const LIMIT: &str = "limit=5s";
/// `SWEEP_GRACE`: a fifth longer than an attempt, as the workers require.
pub const SWEEP_GRACE: Duration = Duration::from_secs(6);
/// With a backlog the sweeper waits for this many graces (shared/worker/src/sweeper.rs).
pub const BACKLOG_GRACES: u32 = 10;
/// `CLAIM_GRACE`: longer than a fault may keep probes of a proof from completing.
const CLAIM_GRACE: Duration = Duration::from_secs(20);
/// Pebble rejects this share of good nonces, in percent.
const BAD_NONCES: u8 = 15;

const WORKERS: [(&str, u16); 4] = [
    ("distribution", 2),
    ("challenge-verifier", 2),
    ("certificate-issuer", 3),
    ("cert-installer", 2),
];

/// The stack's options.
pub fn options() -> Options {
    let mut options = Options::fast()
        .with_every_link()
        .with_delegation()
        .with_nonce_rejection(BAD_NONCES)
        .with_env(
            "all",
            "SWEEP_GRACE",
            &humantime::format_duration(SWEEP_GRACE).to_string(),
        )
        .with_env("all", "SWEEP_INTERVAL", "1s")
        .with_unproved_unbounded()
        .with_env(
            "challenge-verifier",
            "CLAIM_GRACE",
            &humantime::format_duration(CLAIM_GRACE).to_string(),
        );
    options.deploy_ms = 1_500;
    for (worker, count) in WORKERS {
        options = options.with_replicas(worker, count);
    }
    if let Some(all) = options.env.get_mut("all") {
        for (name, schedule) in all.iter_mut() {
            if name.starts_with("SCHEDULE_") && name != "SCHEDULE_AFTER_REJECTION" {
                let kept = schedule.split(',').filter(|part| !part.starts_with("limit="));
                *schedule = kept.chain([LIMIT]).collect::<Vec<_>>().join(",");
            }
        }
    }
    options
}

/// The targets of the schedule.
pub fn targets() -> Targets {
    let mut targets = Targets {
        processes: vec!["broker-api".to_owned()],
        // The CA is unavailable to all.
        links: vec![(None, Peer::Pebble)],
    };
    for (worker, count) in WORKERS {
        targets
            .processes
            .extend((1..=count).map(|number| format!("{worker}-{number}")));
    }
    for process in &targets.processes {
        for peer in [Peer::Postgres, Peer::Rabbitmq] {
            targets.links.push((Some(process.clone()), peer));
        }
        if process.starts_with("distribution") || process.starts_with("cert-installer") {
            targets.links.push((Some(process.clone()), Peer::Aws));
        }
        if process.starts_with("certificate-issuer") {
            targets.links.push((Some(process.clone()), Peer::Pebble));
        }
    }
    targets
}

/// Removes the quotas; aws-sim's faults follow from the seed.
///
/// # Errors
/// When aws-sim does not accept it.
pub async fn prepare_aws(admin_url: &str, seed: u64) -> anyhow::Result<()> {
    let http = reqwest::Client::new();
    for (path, body) in [
        ("settings", json!({"iam_quota": 10_000, "distribution_quota": 10_000})),
        ("faults/seed", json!({"seed": seed})),
    ] {
        let request = http.post(format!("{admin_url}/{path}")).json(&body);
        request.send().await?.error_for_status()?;
    }
    Ok(())
}
