//! The domains of an instance: where each stands, what to set, and what was seen.

use super::Page;
use super::check::Check;
use super::names::Name;
use super::proof::Proof;
use super::standing::{Group, Standing, threat};
use super::to_set::{RecordRow, Way, offered, set_once};
use crate::operation::{OperationKind, OperationState};
use crate::status::words::{capitalized, clock};
use crate::status::{DomainView, Threat, View, look, notes, seen, situation, ways};
use crate::step::StepState;

/// Domains that are listed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainGroup {
    /// What they have in common.
    pub group: Group,
    /// The domains; those with a problem first, then by name.
    pub rows: Vec<DomainRow>,
}

/// A domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainRow {
    /// Its name.
    pub name: Name,
    /// Where it stands.
    pub standing: Standing,
    /// What is in the way, and what happens by itself.
    pub notes: Vec<String>,
    /// What may be set: one of these is enough.
    pub ways: Vec<Way>,
    /// What may be set, too, and isn't known yet.
    pub later: Option<String>,
    /// What proves it.
    pub proof: Option<Proof>,
    /// What was seen last, if it was looked at.
    pub seen: Option<Seen>,
    /// When it is looked at next.
    pub next_look: Option<String>,
    /// Whether a look at it can be asked for.
    pub check: Check,
}

/// What was seen of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// When.
    pub at: String,
    /// What, and at which server.
    pub found: String,
    /// The same for each way, if there are several.
    pub each: Vec<String>,
}

impl Page {
    /// The domains, in groups, of which none is empty. `responder` is the public address of broker-api, for http-01.
    pub fn domains(&self, responder: &str) -> Vec<DomainGroup> {
        let view = self.proving();
        let needy = situation(view).needy;
        let place = |domain: &DomainView| needy.iter().position(|one| one.domain == domain.domain);
        let mut domains: Vec<(Option<usize>, &DomainView)> =
            view.domains.iter().map(|domain| (place(domain), domain)).collect();
        domains.sort_by_key(|(place, _)| place.unwrap_or(usize::MAX));
        let mut groups = Group::ALL.map(|group| DomainGroup {
            group,
            rows: Vec::new(),
        });
        for (place, domain) in domains {
            let row = self.row(view, domain, place.is_some(), responder);
            let group = row.standing.group();
            if let Some(its) = groups.iter_mut().find(|one| one.group == group) {
                its.rows.push(row);
            }
        }
        groups.into_iter().filter(|group| !group.rows.is_empty()).collect()
    }

    fn row(&self, view: &View, domain: &DomainView, is_needy: bool, responder: &str) -> DomainRow {
        let claim = self.facts.claims.iter().find(|claim| claim.domain == domain.domain);
        let earlier = self.facts.proofs.iter().find(|proof| proof.domain == domain.domain);
        let standing = Standing::of(view, domain, is_needy, claim.is_some_and(|claim| claim.proved));
        let ways = match standing {
            Standing::NothingFound | Standing::NotInPlace | Standing::Rejected => offered(view, domain, responder),
            Standing::Moves => {
                let alias = Threat::alias(view, domain).map(|set| Way {
                    heading: String::new(),
                    record: RecordRow::of(set, responder),
                });
                let set_once = set_once(view, domain, earlier, responder);
                alias.into_iter().chain(set_once).collect()
            }
            Standing::ProofGone | Standing::NotProved => set_once(view, domain, earlier, responder),
            _ => Vec::new(),
        };
        let later = (is_needy && ways::needs_the_next_order(domain))
            .then(|| ways::heading(ways::BY_THE_NEXT_ORDER, ways.is_empty()));
        let look = self.facts.looks.iter().find(|look| look.domain == domain.domain);
        let check = Check::of(view, look, standing);
        let checked_at = claim.and_then(|claim| claim.proof_checked_at);
        let proof = match standing {
            Standing::Verified
            | Standing::Served
            | Standing::InPlace
            | Standing::Arrives
            | Standing::Publishing
            | Standing::CaaForbids => Proof::of(view, domain, earlier, responder),
            _ => None,
        };
        DomainRow {
            name: Name::of(&domain.domain),
            standing,
            notes: notes_of(view, domain, is_needy, claim.is_some_and(|claim| claim.asked_elsewhere)),
            ways,
            later,
            proof: proof.map(|proof| proof.looked_at(checked_at, standing, view.now)),
            seen: seen_of(view, domain).filter(|_| standing.follows_from_what_was_seen()),
            // Once a look is asked for, that is what is told.
            next_look: next_look(view, domain).filter(|_| !check.is_asked_for),
            check,
        }
    }
}

fn notes_of(view: &View, domain: &DomainView, is_needy: bool, asked_elsewhere: bool) -> Vec<String> {
    let mut said = Vec::new();
    if view.kind == OperationKind::Deprovision {
        return said;
    }
    let threat = threat(view, domain);
    if is_needy && !matches!(threat, Some(Threat::Lost(_))) {
        said.extend(seen::in_the_way(domain).iter().map(|line| capitalized(line)));
    }
    // Of a proof that is gone, what was seen now tells more.
    let is_seen = |threat: &Threat| is_needy && matches!(threat, Threat::ProofGone(_));
    said.extend(
        threat
            .filter(|threat| !is_seen(threat))
            .map(|threat| threat.said(domain)),
    );
    let arrives = domain.wins_at.filter(|_| domain.step_state == Some(StepState::Waiting));
    said.extend(arrives.map(|at| capitalized(&notes::goes_over(at, view.now))));
    said.extend(domain.gives_up_at.map(|at| seen::gives_up(at, view.now)));
    if asked_elsewhere && threat.is_none() && arrives.is_none() {
        said.push(
            "Another service instance requests this domain, too: it belongs to the one whose proof is in place, so keep yours there."
                .to_owned(),
        );
    }
    said
}

fn seen_of(view: &View, domain: &DomainView) -> Option<Seen> {
    let (found, at) = (domain.waiting_for.as_ref()?, domain.checked_at?);
    let each: Vec<String> = look(domain)
        .map(|look| look.ways.iter().map(ToString::to_string).collect())
        .unwrap_or_default();
    Some(Seen {
        at: clock(at, view.now),
        found: found.to_string().trim_end_matches('.').to_owned(),
        each: if each.len() > 1 { each } else { Vec::new() },
    })
}

fn next_look(view: &View, domain: &DomainView) -> Option<String> {
    let is_waited_for = view.state == OperationState::Running && domain.step_state == Some(StepState::Waiting);
    let due = domain.due_at.filter(|_| is_waited_for)?;
    Some(match due > view.now {
        true => clock(due, view.now),
        false => "in a moment".to_owned(),
    })
}
