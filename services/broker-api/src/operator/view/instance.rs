//! An instance's page.

use askama::Template;
use pipeline::shown::lasting;
use pipeline::status::moment;
use store::AuditEntry;
use store::operator::{CertificateOf, ChallengeOf, Dossier, OperationOf, StepOf};
use time::OffsetDateTime;

use super::audit::Entry;
use super::{Head, NONE, clean, clean_or_none, moment_or_none, names};
use crate::operator::action::Action;
use crate::operator::address;
use crate::operator::outcome::Outcome;

/// The most operations whose timelines are shown: the newest.
const MOST_OPERATIONS: usize = 20;

#[derive(Template)]
#[template(path = "operator/instance.html")]
struct Document<'v> {
    head: Head<'v>,
    read_at: String,
    base: String,
    told: Option<&'static str>,
    facts: Vec<Fact>,
    link: Option<String>,
    actions: Vec<Offered>,
    domains: Vec<DomainRow>,
    operations: Vec<Operation>,
    older: Option<String>,
    certificates: Vec<CertificateRow>,
    entries: Vec<Entry>,
}

struct Fact {
    name: &'static str,
    says: String,
}

/// An action that can be asked for.
struct Offered {
    label: &'static str,
    href: String,
}

struct DomainRow {
    domain: String,
    state: String,
    seen: String,
    ca_said: String,
    release: Option<String>,
}

struct Operation {
    id: String,
    kind: String,
    state: String,
    when: String,
    took: String,
    who: String,
    failure: Option<String>,
    cause: Option<String>,
    steps: Vec<Step>,
}

struct Step {
    what: String,
    begun: String,
    attempts: i32,
    state: String,
    took: String,
    next: String,
    why: String,
}

struct CertificateRow {
    issued: String,
    names: String,
    ends: String,
    renewal: String,
    state: String,
}

/// The page.
pub(in crate::operator) fn instance(
    who: &str,
    dossier: &Dossier,
    audit: &[AuditEntry],
    link: Option<String>,
    has_pages: bool,
    told: Option<Outcome>,
) -> Result<String, askama::Error> {
    let base = address::instance(&dossier.id);
    let now = dossier.read_at;
    let newest = dossier.operations.iter().rev().take(MOST_OPERATIONS);
    let older = dossier.operations.len().saturating_sub(MOST_OPERATIONS);
    Document {
        head: Head::new(format!("Instance {}", clean(&dossier.id)), who),
        read_at: moment(now),
        told: told.map(Outcome::words),
        facts: facts(dossier),
        link,
        actions: offered(dossier, &base, has_pages),
        domains: dossier.challenges.iter().map(|one| domain(one, &base, now)).collect(),
        operations: newest.map(|one| operation(one, now)).collect(),
        older: (older > 0).then(|| format!("{older} earlier operations: cdnctl show.")),
        certificates: dossier.certificates.iter().rev().map(certificate).collect(),
        entries: audit.iter().map(Entry::from).collect(),
        base,
    }
    .render()
}

fn facts(dossier: &Dossier) -> Vec<Fact> {
    let fact = |name, says| Fact { name, says };
    let distribution = match (&dossier.distribution_id, &dossier.distribution_domain) {
        (Some(id), Some(domain)) => clean(&format!("{id}, {domain}")),
        (Some(id), None) => clean(id),
        (None, _) => NONE.to_owned(),
    };
    let mut facts = vec![
        fact("Id", clean(&dossier.id)),
        fact("Organization", clean(&dossier.tenant)),
        fact("Plan", clean(&dossier.plan_id)),
        fact("Domains", names(&dossier.domains)),
        fact("Distribution", distribution),
        fact("Created", moment(dossier.created_at)),
    ];
    facts.extend(dossier.deleted_at.map(|at| fact("Removed", moment(at))));
    facts
}

/// The actions that can do something; a domain's is beside it.
fn offered(dossier: &Dossier, base: &str, has_pages: bool) -> Vec<Offered> {
    let running = dossier.operations.iter().find(|operation| operation.state == "running");
    let offered = |action: Action, label| Offered {
        label,
        href: format!("{base}/{}", action.name()),
    };
    let mut all = vec![offered(Action::Retry, "Retry what waits")];
    if dossier.deleted_at.is_none() {
        all.push(offered(Action::Renew, "Renew the certificate"));
    }
    if running.is_some_and(|operation| operation.kind != "deprovision") {
        all.push(offered(Action::Cancel, "Cancel the operation"));
    }
    if has_pages && dossier.deleted_at.is_none() {
        all.push(offered(Action::NewLink, "New link to the status page"));
    }
    all
}

fn domain(challenge: &ChallengeOf, base: &str, now: OffsetDateTime) -> DomainRow {
    let state = match (challenge.proved, challenge.step_state.as_deref()) {
        (true, _) => "has it",
        (false, Some("waiting")) => "asks for it, being checked",
        (false, _) => "asks for it",
    };
    let held = challenge.held_until.filter(|until| *until > now);
    let state = match held {
        Some(until) => format!("{state}; held until {}", moment(until)),
        None => state.to_owned(),
    };
    let seen = challenge.seen.as_ref().map(|reason| clean(&reason.to_string()));
    let release = address::with(
        &format!("{base}/{}", Action::Release.name()),
        &[("subject", challenge.domain.as_str())],
    );
    DomainRow {
        domain: clean(&challenge.domain),
        state,
        seen: match (challenge.checked_at, seen) {
            (Some(at), Some(seen)) => format!("{}: {seen}", moment(at)),
            (_, seen) => seen.unwrap_or_else(|| NONE.to_owned()),
        },
        ca_said: clean_or_none(challenge.ca_said.as_deref()),
        release: challenge.proved.then_some(release),
    }
}

fn operation(operation: &OperationOf, now: OffsetDateTime) -> Operation {
    let took = lasting(operation.ended_at.unwrap_or(now) - operation.created_at);
    let identity = operation
        .originating_identity
        .as_ref()
        .map(|value| clean(&value.to_string()));
    Operation {
        id: operation.id.to_string(),
        kind: operation.kind.clone(),
        state: operation.state.clone(),
        when: moment(operation.created_at),
        took: match operation.ended_at {
            Some(_) => format!("after {took}"),
            None => format!(
                "for {took}; failed orders are replaced until {}",
                moment(operation.deadline_at)
            ),
        },
        who: match (&operation.platform, identity) {
            (None, None) => "the broker itself".to_owned(),
            (platform, identity) => {
                let platform = platform.as_deref().map(clean);
                let all: Vec<String> = [platform, identity].into_iter().flatten().collect();
                all.join(": ")
            }
        },
        failure: operation.failure.as_deref().map(clean),
        cause: operation.cause.as_deref().map(clean),
        steps: operation.steps.iter().map(|one| step(one, now)).collect(),
    }
}

fn step(step: &StepOf, now: OffsetDateTime) -> Step {
    let is_waiting = step.state == "waiting";
    // For a completed step, the reasons of earlier waits are omitted.
    let counts = step.state != "done" || step.verdict.as_deref() == Some("order-spent");
    let reason = step.waiting_for.as_ref().filter(|_| counts);
    let state = match (&step.method, step.crashes) {
        (Some(method), _) => format!("{} ({method})", step.state),
        (None, 0) => step.state.clone(),
        (None, crashes) => format!("{} (crashed {crashes} times)", step.state),
    };
    let left = step.due_at - now;
    let next = match (is_waiting, left.is_positive()) {
        (false, _) => NONE.to_owned(),
        (true, true) => format!("in {}", lasting(left)),
        (true, false) => format!("due for {}", lasting(-left)),
    };
    Step {
        what: clean(format!("{} {}", step.kind, step.subject).trim_end()),
        begun: moment(step.created_at),
        // The attempt that ended it is not counted in the row.
        attempts: step.attempt + i32::from(matches!(step.state.as_str(), "done" | "failed")),
        state: clean(&state),
        took: lasting(step.ended_at.unwrap_or(now) - step.created_at),
        next,
        why: reason.map_or_else(|| NONE.to_owned(), |reason| clean(&reason.to_string())),
    }
}

fn certificate(certificate: &CertificateOf) -> CertificateRow {
    let state = match (certificate.attached_at, certificate.retired_at) {
        (_, Some(at)) => format!("retired {}", moment(at)),
        (Some(at), None) => format!("attached {}", moment(at)),
        (None, None) => "issued".to_owned(),
    };
    let revocation = match (certificate.revoked_at, &certificate.revoke_problem) {
        (Some(at), _) => format!("; revoked {}", moment(at)),
        (None, Some(problem)) => format!("; the CA has not revoked it: {}", clean(problem)),
        (None, None) if certificate.revoke_before.is_some() => "; to be revoked".to_owned(),
        (None, None) => String::new(),
    };
    CertificateRow {
        issued: moment(certificate.created_at),
        names: names(&certificate.names),
        ends: moment(certificate.not_after),
        renewal: moment_or_none(certificate.renew_at),
        state: format!("{state}{revocation}"),
    }
}
