//! What the CA is still to be shown, domain by domain. Pure.

use pipeline::domain::{
    CHALLENGE_PATH, dns01_record_name, needs_wildcard_policy, persist_record_name, persist_record_value, responder_path,
};
use store::operator::{ChallengeOf, Dossier};

use crate::{shown, table};

/// Of an operation that runs: nothing before its order is placed.
pub(super) fn lines(dossier: &Dossier) -> Vec<String> {
    let open = || {
        let all = dossier.challenges.iter();
        all.filter(|challenge| challenge.step_state.as_deref() == Some("waiting"))
    };
    let rows: Vec<[String; 4]> = open()
        .flat_map(|challenge| {
            let name = shown::clean(&challenge.domain);
            ways(challenge, dossier).into_iter().map(move |(way, name_of, value)| {
                [
                    format!("  {name}"),
                    way.to_owned(),
                    shown::clean(&name_of),
                    shown::clean(&value),
                ]
            })
        })
        .collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new()];
    lines.extend(table::lines(["  OPEN", "WAY (ONE IS ENOUGH)", "NAME", "VALUE"], &rows));
    lines.extend(open().filter_map(|challenge| {
        let said = challenge.ca_said.as_ref()?;
        let until = challenge.held_until.filter(|until| *until > dossier.read_at);
        let rests = until.map_or_else(String::new, |until| format!("; rests until {}", shown::moment(until)));
        Some(format!(
            "  the CA turned {} down {} times: {}{rests}",
            shown::clean(&challenge.domain),
            challenge.rejections,
            shown::clean(said)
        ))
    }));
    lines
}

/// The ways that the CA offers, each with what is set where.
fn ways(challenge: &ChallengeOf, dossier: &Dossier) -> Vec<(&'static str, String, String)> {
    let domain = &challenge.domain;
    let domains = dossier.challenges.iter().map(|other| other.domain.as_str());
    let mut ways = Vec::new();
    if let (Some(issuer), Some(account)) = (challenge.issuer_domains.first(), challenge.persist_account_uris.first()) {
        let value = persist_record_value(issuer, account, needs_wildcard_policy(domain, domains));
        ways.push(("dns-persist-01", persist_record_name(domain), value));
    }
    if let Some(value) = &challenge.dns01_value {
        ways.push(("dns-01", dns01_record_name(domain), value.clone()));
    }
    if let Some(token) = &challenge.http01_token {
        let url = format!("http://{domain}{CHALLENGE_PATH}{token}");
        let redirect = format!("redirected to broker-api's {}", responder_path(&dossier.tenant, token));
        ways.push(("http-01", url, redirect));
    }
    ways
}
