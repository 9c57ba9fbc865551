//! What the system does by itself.

use super::words::{capitalized, later};
use super::{StepView, View};
use crate::operation::OperationKind;
use crate::step::StepKind;

/// What the system is doing, in one sentence.
pub(crate) fn working(view: &View) -> String {
    let parts: Vec<String> = view.steps.iter().map(|step| told(view, step)).collect();
    if parts.is_empty() {
        return "Continuing in a moment.".to_owned();
    }
    capitalized(&parts.join("; ")) + "."
}

/// While the certificate is being ordered, what the user has to set is not known yet: the text says what will be shown,
/// and when. It is the first text that a platform reads, at the moment of the request, and the platform shows it for a
/// minute.
pub(super) fn orders(view: &View) -> Option<String> {
    let step = view.steps.iter().find(|step| step.kind == StepKind::PlaceOrder)?;
    let domains = match view.domains.len() {
        1 => "1 domain".to_owned(),
        count => format!("{count} domains"),
    };
    let why = in_brackets(view, step).unwrap_or_default();
    let when = match later(step.due_at, view.now) {
        Some(_) => "Then",
        None => "In a minute",
    };
    let what = match (view.kind, &view.order_spent) {
        (OperationKind::Provision, None) => "the DNS record for each domain",
        _ => "which domains need a DNS record",
    };
    Some(format!(
        "Ordering the certificate for {domains}{why}.\n{when} this shows {what}."
    ))
}

fn told(view: &View, step: &StepView) -> String {
    let doing = doing(step.kind, view.kind);
    format!("{doing}{}", in_brackets(view, step).unwrap_or_default())
}

/// What a step waits for, if that says more than the step's description.
fn in_brackets(view: &View, step: &StepView) -> Option<String> {
    let reason = step.waiting_for.as_ref()?;
    let next = later(step.due_at, view.now).map(|at| format!("next try {at}"));
    let says_more = (!reason.is_usual()).then(|| reason.to_string().trim_end_matches('.').to_owned());
    let inside: Vec<String> = says_more.into_iter().chain(next).collect();
    (!inside.is_empty()).then(|| format!(" ({})", inside.join("; ")))
}

/// What is being done by a step.
pub(crate) fn doing(step: StepKind, operation: OperationKind) -> &'static str {
    match (step, operation) {
        (StepKind::RetireCertificates, OperationKind::Deprovision) => "deleting its certificates",
        _ => step.doing(),
    }
}
