//! What proves a domain, and whether it has to stay.

use time::OffsetDateTime;

use super::facts::ProofFacts;
use super::standing::Standing;
use super::to_set::RecordRow;
use crate::operation::OperationState;
use crate::proof::Method;
use crate::status::words::clock;
use crate::status::{DomainView, View, look, waits_for_the_broker};

/// What proves a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The record or redirect.
    pub record: RecordRow,
    /// Whether it has to stay.
    pub keep: &'static str,
    /// When it was last looked at between certificates.
    pub looked_at: Option<String>,
}

impl Proof {
    /// What was seen in place in this operation, or else in one before.
    pub(super) fn of(view: &View, domain: &DomainView, earlier: Option<&ProofFacts>, responder: &str) -> Option<Self> {
        let challenge = match seen(domain).and_then(|method| domain.challenge(method)) {
            Some(challenge) => challenge,
            None => earlier.and_then(|earlier| earlier.challenge(earlier.method))?,
        };
        let names = view.names();
        let set = challenge.to_set(&domain.domain, &view.tenancy(&names));
        Some(Self {
            record: RecordRow::of(set, responder),
            keep: keep(challenge.method(), view, domain),
            looked_at: None,
        })
    }

    /// With the time of the last look between certificates, which is of interest while the domain is served.
    pub(super) fn looked_at(self, at: Option<OffsetDateTime>, standing: Standing, now: OffsetDateTime) -> Self {
        Self {
            looked_at: at.filter(|_| standing == Standing::Served).map(|at| clock(at, now)),
            ..self
        }
    }
}

/// By what the domain was proved, or is being proved.
fn seen(domain: &DomainView) -> Option<Method> {
    let by_the_broker = waits_for_the_broker(domain).then_some(Method::DelegatedDns01);
    let in_place = || look(domain).and_then(|look| look.in_place);
    domain.method.or(by_the_broker).or_else(in_place)
}

fn keep(method: Method, view: &View, domain: &DomainView) -> &'static str {
    let is_used = view.state == OperationState::Running && domain.step_state.is_some();
    match method.is_kept() {
        true => "Leave it in place: the next certificate needs it, too.",
        false if is_used => "Leave it in place until there is a certificate.",
        false => "It is no longer needed and may be removed.",
    }
}
