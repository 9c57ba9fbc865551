//! Whether the world finds the broker's own DNS zones, to which tenants delegate their challenges.

use challenge_verifier::ProbeSettings;
use challenge_verifier::dns::{Authority, Dns};
use doctor::{Check, Finding};
use store::{DatabaseArgs, Store};
use telemetry::with_causes;

use super::LIMIT;

const ABOUT: &str = "DNS delegation";
/// A CA that finds no value looks again soon; so long its resolver may still remember that there was none.
const LONGEST_ABSENCE: u32 = 60;

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
        return vec![Finding::skip(ABOUT, "no domain was offered a delegation yet")];
    }
    let dns = match Dns::new(settings) {
        Ok(dns) if !dns.is_fixed() => dns,
        Ok(_) => return vec![Finding::skip(ABOUT, "not tried: DNS_RESOLVER answers for every zone")],
        Err(error) => return vec![Finding::skip(ABOUT, format!("not tried: {error}"))],
    };
    let mut findings = Vec::new();
    for zone in zones {
        findings.push(match dns.authority(&zone).await {
            Ok(Some(authority)) => judge(&zone, &authority),
            Ok(None) => Finding::ok(ABOUT, format!("{zone} is part of the zone above it")),
            Err(problem) => Finding::fail(
                ABOUT,
                format!("the name servers of {zone} can't be found: {problem}"),
                "let the zone above it name them (NS records), with their addresses (glue)",
            ),
        });
    }
    findings
}

fn judge(zone: &str, authority: &Authority) -> Finding {
    let servers = authority.servers.join(", ");
    if let Some((_, problem)) = authority.left_out.first() {
        return Finding::fail(
            ABOUT,
            format!("not every name server of {zone} answers for it: {problem}"),
            "a CA may ask any of them: repair that server, or take it out of the NS records",
        );
    }
    if authority.remembered_absence > LONGEST_ABSENCE {
        return Finding::warn(
            ABOUT,
            format!(
                "{zone} at {servers}: resolvers remember for {} s that a name has no value",
                authority.remembered_absence
            ),
            format!("set the last number of its SOA record to at most {LONGEST_ABSENCE}"),
        );
    }
    Finding::ok(ABOUT, format!("{zone} is found, at {servers}"))
}

#[cfg(test)]
mod tests {
    use doctor::State;

    use super::*;

    #[test]
    fn a_server_that_is_missing_and_a_long_memory_are_reported() {
        let good = Authority {
            servers: vec!["ns1.example".to_owned(), "ns2.example".to_owned()],
            left_out: Vec::new(),
            remembered_absence: 5,
        };
        assert_eq!(judge("acme.example", &good).state(), State::Ok);
        let forgetful = Authority {
            remembered_absence: 3600,
            ..good.clone()
        };
        assert_eq!(judge("acme.example", &forgetful).state(), State::Warn);
        let problem = challenge_verifier::dns::DnsProblem::Lame {
            server: "ns2.example".to_owned(),
            zone: "acme.example".to_owned(),
        };
        let lame = Authority {
            left_out: vec![("ns2.example".to_owned(), problem)],
            ..good
        };
        let found = judge("acme.example", &lame);
        assert!(
            found.state() == State::Fail && found.text().contains("ns2.example"),
            "{found}"
        );
    }
}
