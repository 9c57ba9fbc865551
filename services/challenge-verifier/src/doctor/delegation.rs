//! Whether the world finds the broker's own DNS zones, to which tenants delegate their challenges.

use challenge_verifier::dns::Dns;
use challenge_verifier::{ProbeSettings, judge_zone};
use doctor::{Check, Finding};
use store::{DatabaseArgs, Store};
use telemetry::with_causes;

use super::LIMIT;

const ABOUT: &str = "DNS delegation";

pub(super) fn check(database: &DatabaseArgs, settings: &ProbeSettings) -> Check {
    let (mut database, settings) = (database.clone(), settings.clone());
    database.database_pool_size = 1;
    Check::several(ABOUT, async move { ask(&database, &settings).await }).within(LIMIT)
}

async fn ask(database: &DatabaseArgs, settings: &ProbeSettings) -> Vec<Finding> {
    let zones = async {
        Store::new(database, "challenge-verifier doctor")?
            .delegation_zones()
            .await
    };
    let zones = match zones.await {
        Ok(zones) => zones,
        Err(error) => return vec![Finding::skip(ABOUT, format!("not known: {}", with_causes(&error)))],
    };
    if zones.is_empty() {
        return vec![Finding::skip(ABOUT, "DELEGATION_ZONE is not set at certificate-issuer")];
    }
    let dns = match Dns::new(settings) {
        Ok(dns) if !dns.is_fixed() => dns,
        Ok(_) => return vec![Finding::skip(ABOUT, "not tried: DNS_RESOLVER answers for every zone")],
        Err(error) => return vec![Finding::skip(ABOUT, format!("not tried: {error}"))],
    };
    let mut findings = Vec::new();
    for zone in zones {
        findings.push(judge_zone(ABOUT, &zone, &dns.authority(&zone).await));
    }
    findings
}
