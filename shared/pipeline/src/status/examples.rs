//! Example operations for tests.

use time::macros::datetime;

use super::{DomainView, View};
use crate::operation::{OperationKind, OperationState};
use crate::proof::examples::challenges;
use crate::reason::examples::{absent, seen};
use crate::step::StepState;

/// A domain for which nothing is set yet.
pub(crate) fn domain(name: &str) -> DomainView {
    DomainView {
        domain: name.into(),
        step_state: Some(StepState::Waiting),
        waiting_for: seen(absent(name)),
        checked_at: Some(datetime!(2026-11-24 12:04:31 UTC)),
        due_at: Some(datetime!(2026-11-24 12:05:16 UTC)),
        challenges: Some(challenges("https://ca.example/acct/123", "gfj9Xq_Rg85nM", name)),
        challenges_are_new: true,
        method: None,
        ca_said: None,
        wins_at: None,
        loses_at: None,
        lost_at: None,
        proof_gone_at: None,
        proof_seen: None,
        gives_up_at: None,
    }
}

/// A provision that waits for its domains: nothing is created yet.
pub(crate) fn waiting(domains: Vec<DomainView>) -> View {
    View {
        kind: OperationKind::Provision,
        state: OperationState::Running,
        version: 0,
        failure: None,
        tenant: "org-1".into(),
        distribution_domain: None,
        now: datetime!(2026-11-24 12:04:40 UTC),
        certificate_not_after: None,
        order_spent: None,
        fallback_to: None,
        domains,
        steps: vec![],
    }
}
