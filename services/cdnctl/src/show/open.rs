//! The pending validations, domain by domain. Pure.

use pipeline::proof::{Challenges, Tenancy, ToSet};
use store::operator::{ChallengeOf, Dossier};

use crate::{shown, table};

/// For a running operation: empty until its order is placed.
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
        let rests = until.map_or_else(String::new, |until| format!("; held until {}", shown::moment(until)));
        Some(format!(
            "  the CA rejected {} {} times: {}{rests}",
            shown::clean(&challenge.domain),
            challenge.rejections,
            shown::clean(said)
        ))
    }));
    lines
}

/// The methods that the CA offers, each with the record to set.
fn ways(challenge: &ChallengeOf, dossier: &Dossier) -> Vec<(&'static str, String, String)> {
    let domains: Vec<&str> = dossier.challenges.iter().map(|other| other.domain.as_str()).collect();
    let tenancy = Tenancy {
        tenant: &dossier.tenant,
        domains: &domains,
    };
    let offered = challenge.challenges.iter().flat_map(Challenges::iter);
    offered
        .map(|offered| {
            let (name, value) = match offered.to_set(&challenge.domain, &tenancy) {
                ToSet::Txt { name, value } => (name, value),
                ToSet::Cname { name, target } => (name, format!("CNAME to {target}")),
                ToSet::Redirect(redirect) => (
                    redirect.url(),
                    format!("redirected to broker-api's {}", redirect.path()),
                ),
            };
            (offered.method().as_str(), name, value)
        })
        .collect()
}
