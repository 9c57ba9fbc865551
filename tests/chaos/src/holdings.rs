//! Which instance has which domain when all operations have ended, and whether that is correct.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use serde_json::Value;
use stack::Endpoints;

use crate::facts::{End, Kind, Seen};
use crate::hands::Turn;
use crate::verdict::Line;

/// The owners according to the database and to CloudFront: instances by domain.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    /// Claims that are proved.
    pub proved: BTreeMap<String, BTreeSet<String>>,
    /// Aliases as configured.
    pub aliases: BTreeMap<String, BTreeSet<String>>,
    /// Aliases as deployed to the edges.
    pub served: BTreeMap<String, BTreeSet<String>>,
}

/// Reads the holdings, before anything is removed.
///
/// # Errors
/// When the database or aws-sim can't be queried.
pub async fn look(endpoints: &Endpoints) -> anyhow::Result<Holdings> {
    let mut holdings = Holdings::default();
    let client = endpoints.database().await.context("the database")?;
    for row in client
        .query("select domain, instance_id from claims where proved", &[])
        .await?
    {
        holdings.proved.entry(row.get(0)).or_default().insert(row.get(1));
    }
    let answer = reqwest::get(format!("{}/state", endpoints.aws_admin_url)).await?;
    let state: Value = answer.json().await.context("aws-sim")?;
    for distribution in state["distributions"].as_array().into_iter().flatten() {
        let instance = distribution["caller_reference"].as_str().unwrap_or_default();
        for (aliases, of) in [
            (&mut holdings.aliases, "aliases"),
            (&mut holdings.served, "live_aliases"),
        ] {
            for alias in distribution[of]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
            {
                aliases.entry(alias.to_owned()).or_default().insert(instance.to_owned());
            }
        }
    }
    Ok(holdings)
}

/// The promises about domains that two instances requested, and about all others.
pub fn lines(seen: &Seen) -> Vec<Line> {
    let Some(holdings) = &seen.holdings else {
        return Vec::new();
    };
    let mut turns = BTreeMap::<Turn, usize>::new();
    for one in &seen.hand_overs {
        *turns.entry(one.turn).or_default() += 1;
    }
    let mut lines = vec![Line::told("domains that two instances wanted", seen.hand_overs.len())];
    lines.extend(
        turns
            .iter()
            .map(|(turn, count)| Line::told(format!("  {}", turn.as_str()), count)),
    );
    let of_one = |all: &BTreeMap<String, BTreeSet<String>>| {
        expected(seen)
            .into_iter()
            .filter(|(domain, owner)| all.get(*domain).is_none_or(|have| have.iter().ne([*owner])))
            .map(|(domain, owner)| format!("{domain} is {owner}'s, and {:?} has it", all.get(domain)))
            .collect::<Vec<_>>()
    };
    lines.extend([
        Line::none(
            "  that another one has than who could prove it",
            of_one(&holdings.proved),
        ),
        Line::none("  whose alias is not with its distribution", of_one(&holdings.aliases)),
        Line::none("  that its distribution doesn't serve", of_one(&holdings.served)),
        Line::none("  whose end was reported wrongly", told_wrongly(seen)),
        Line::none("domains that two distributions serve", doubles(holdings)),
        Line::none("aliases of who doesn't have the domain", strangers(holdings)),
    ]);
    lines
}

/// The correct owner of each domain.
fn expected(seen: &Seen) -> Vec<(&str, &str)> {
    seen.hand_overs
        .iter()
        .flat_map(|one| {
            let besides = one.besides().map(|domain| (domain, one.second.id.as_str()));
            std::iter::once((one.domain.as_str(), one.owner())).chain(besides)
        })
        .collect()
}

/// Whether the second instance was accepted or refused correctly, with the right reason.
fn told_wrongly(seen: &Seen) -> Vec<String> {
    let mut wrong = Vec::new();
    for one in &seen.hand_overs {
        let kind = match one.turn {
            Turn::Reaches => Kind::Update,
            Turn::Goes | Turn::Stays | Turn::Again => Kind::Provision,
        };
        let asked = seen
            .operations
            .iter()
            .find(|asked| asked.instance == one.second.id && asked.kind == kind);
        let end = asked.and_then(|asked| asked.ended.as_ref()).map(|(_, end)| end);
        let right = match (one.turn, end) {
            (Turn::Goes | Turn::Again, end) => end == Some(&End::Succeeded),
            (Turn::Stays | Turn::Reaches, Some(End::Failed(reason))) => {
                reason.starts_with(&format!("{} {REFUSED}", one.domain))
            }
            (Turn::Stays | Turn::Reaches, _) => false,
        };
        if !right {
            wrong.push(format!("{} ({}): {end:?}", one.second.id, one.turn.as_str()));
        }
    }
    wrong
}

/// The text that tells a tenant that a domain stays with another instance.
pub const REFUSED: &str = "belongs to another service instance, whose proof is in place";

fn doubles(holdings: &Holdings) -> Vec<String> {
    let all = holdings.aliases.iter().chain(&holdings.served);
    all.filter(|(_, instances)| instances.len() > 1)
        .map(|(domain, instances)| format!("{domain}: {instances:?}"))
        .collect()
}

fn strangers(holdings: &Holdings) -> Vec<String> {
    let has = |domain: &str, instance: &String| {
        holdings
            .proved
            .get(domain)
            .is_some_and(|instances| instances.contains(instance))
    };
    holdings
        .aliases
        .iter()
        .flat_map(|(domain, instances)| instances.iter().map(move |instance| (domain, instance)))
        .filter(|(domain, instance)| !has(domain, instance))
        .map(|(domain, instance)| format!("{domain} at {instance}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use crate::hands::{Errand, errands};

    fn broken(seen: &Seen) -> Vec<String> {
        let lines = lines(seen).into_iter().filter(|line| line.kept == Some(false));
        lines.map(|line| line.what.trim().to_owned()).collect()
    }

    /// A run in which every transfer had the correct result.
    fn good() -> Facts {
        let facts = Facts::default();
        let mut holdings = Holdings::default();
        for errand in errands(1).take(16) {
            let Errand::HandOver(one) = errand else { continue };
            let kind = match one.turn {
                Turn::Reaches => Kind::Update,
                _ => Kind::Provision,
            };
            let second = facts.asked(&one.second.id, kind);
            let end = match one.owner() == one.second.id {
                true => End::Succeeded,
                false => End::Failed(format!("{} {REFUSED}: TXT is there.", one.domain)),
            };
            facts.ended(second, end);
            facts.seen().hand_overs.push(*one);
        }
        for (domain, owner) in expected(&facts.seen()) {
            for all in [&mut holdings.proved, &mut holdings.aliases, &mut holdings.served] {
                all.entry(domain.to_owned()).or_default().insert(owner.to_owned());
            }
        }
        facts.seen().holdings = Some(holdings);
        facts
    }

    #[test]
    fn whose_a_domain_is_in_the_end_is_held_against_who_could_prove_it() {
        let facts = good();
        assert_eq!(broken(&facts.seen()), Vec::<String>::new());
        let stays = |seen: &Seen| {
            let one = seen.hand_overs.iter().find(|one| one.turn == Turn::Stays);
            one.map(|one| (one.domain.clone(), one.second.id.clone())).unwrap()
        };
        let (domain, second) = stays(&facts.seen());
        let change = |change: &dyn Fn(&mut Holdings)| {
            let facts = good();
            change(facts.seen().holdings.as_mut().unwrap());
            broken(&facts.seen())
        };
        let other = || BTreeSet::from([second.clone()]);
        let lost = change(&|holdings| {
            holdings.proved.insert(domain.clone(), other());
        });
        assert_eq!(
            lost,
            [
                "that another one has than who could prove it",
                "aliases of who doesn't have the domain"
            ]
        );
        let twice = change(&|holdings| holdings.served.get_mut(&domain).unwrap().extend(other()));
        assert_eq!(
            twice,
            [
                "that its distribution doesn't serve",
                "domains that two distributions serve"
            ]
        );
        let gone = change(&|holdings| {
            holdings.aliases.remove(&domain);
        });
        assert_eq!(gone, ["whose alias is not with its distribution"]);
    }

    #[test]
    fn who_is_refused_is_told_why() {
        let facts = good();
        for asked in &mut facts.seen().operations {
            if let Some((_, end @ End::Failed(_))) = &mut asked.ended {
                *end = End::Failed("could not be verified in time".into());
            }
        }
        assert_eq!(broken(&facts.seen()), ["whose end was reported wrongly"]);
    }
}
