//! Whose move it is, and what is said of it first: the text and the page begin with it.

use super::notes;
use super::working::{orders, working};
use super::{DomainView, View, is_in_place, is_plain_absence, is_proved, waits_for_the_broker};
use crate::operation::{OperationKind, OperationState};
use crate::reason::Reason;
use crate::step::{StepKind, StepState};

/// Who has to act next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The user.
    Yours,
    /// The broker, the CA or AWS.
    Brokers,
    /// Nobody: it succeeded.
    Done,
    /// Nobody: it failed.
    Failed,
    /// Nobody: it was given up for another operation.
    GivenUp,
}

/// Whose move it is.
#[derive(Debug, Clone)]
pub struct Situation<'v> {
    /// Who has to act next.
    pub whose: Whose,
    /// What is said first, a line each: never empty.
    pub says: Vec<String>,
    /// The domains that wait for the user, those with a problem first.
    pub needy: Vec<&'v DomainView>,
}

/// Whose move it is in this operation.
pub fn situation(view: &View) -> Situation<'_> {
    let nobodys = |whose: Whose, says: &str| Situation {
        whose,
        says: lines(says),
        needy: Vec::new(),
    };
    match (view.state, view.kind) {
        (OperationState::Failed, _) => nobodys(Whose::Failed, view.failure.as_deref().unwrap_or("Failed.")),
        (OperationState::Superseded, OperationKind::Renew) => {
            nobodys(Whose::GivenUp, "Given up: an update or a deletion takes precedence.")
        }
        (OperationState::Superseded, _) => nobodys(Whose::GivenUp, "Given up: this service is being deleted instead."),
        (OperationState::Succeeded, OperationKind::Deprovision) => nobodys(Whose::Done, "Everything is removed."),
        (OperationState::Succeeded, OperationKind::Update) => {
            nobodys(Whose::Done, &format!("Updated.\n{}", notes::ready(view)))
        }
        (OperationState::Succeeded, OperationKind::Provision | OperationKind::Renew) => {
            nobodys(Whose::Done, &notes::ready(view))
        }
        (OperationState::Running, OperationKind::Deprovision) => {
            nobodys(Whose::Brokers, &format!("Removing the service.\n{}", working(view)))
        }
        (OperationState::Running, OperationKind::Provision | OperationKind::Update | OperationKind::Renew) => {
            at_work(view)
        }
    }
}

fn lines(words: &str) -> Vec<String> {
    words.split('\n').map(str::to_owned).collect()
}

fn at_work(view: &View) -> Situation<'_> {
    let orders_again = orders_again(view);
    let needy = needy(view, orders_again);
    if !needy.is_empty() {
        let says = first_lines(&needy, view.domains.len(), orders_again);
        return Situation {
            whose: Whose::Yours,
            says,
            needy,
        };
    }
    let (whose, says) = match (orders(view), asked_of_user(view)) {
        (Some(ordering), _) => (Whose::Brokers, lines(&ordering)),
        (None, Some(asked)) => (Whose::Yours, vec![format!("Waiting for you: {asked}.")]),
        (None, None) => (
            Whose::Brokers,
            vec!["Nothing for you to do now.".to_owned(), working(view)],
        ),
    };
    Situation { whose, says, needy }
}

/// The domains that wait for the user, those with a problem first.
fn needy(view: &View, orders_again: bool) -> Vec<&DomainView> {
    let waits = |domain: &&DomainView| match domain.step_state {
        Some(state) => state == StepState::Waiting && !is_in_place(domain) && !waits_for_the_broker(domain),
        None => orders_again && domain.ca_said.is_some(),
    };
    let mut needy: Vec<&DomainView> = view.domains.iter().filter(waits).collect();
    needy.sort_by_key(|domain| {
        (
            domain.ca_said.is_none(),
            is_plain_absence(domain),
            domain.domain.as_str(),
        )
    });
    needy
}

fn asked_of_user(view: &View) -> Option<String> {
    let mut reasons = view.steps.iter().filter_map(|step| step.waiting_for.as_ref());
    reasons.find(|reason| reason.waits_for_user()).map(Reason::to_string)
}

/// The CA rejected domains, and the next order isn't placed yet: what has to be fixed is known already.
fn orders_again(view: &View) -> bool {
    view.order_spent.is_some() && view.steps.iter().any(|step| step.kind == StepKind::PlaceOrder)
}

/// The first lines, when the user has to act.
fn first_lines(needy: &[&DomainView], total: usize, orders_again: bool) -> Vec<String> {
    let count = needy.len();
    let domains = if total == 1 { "domain" } else { "domains" };
    if orders_again {
        return vec![
            format!("Waiting for you: the CA rejected {count} of {total} {domains}."),
            "Fix what it says; a new order is being placed.".to_owned(),
        ];
    }
    let need = if count == 1 { "needs" } else { "need" };
    let mut says = vec![format!(
        "Waiting for you: {count} of {total} {domains} {need} a DNS record."
    )];
    if !needy.iter().copied().all(is_proved) {
        let each = if count == 1 { "Any" } else { "For each of them any" };
        says.push(format!("{each} one of the ways shown is enough."));
    }
    says
}
