//! What is said of an operation beside whose move it is: sentences that the text and the page share.

use time::OffsetDateTime;

use super::View;
use super::words::clock;
use super::working::working;
use crate::domain::wildcard_of;
use crate::operation::OperationKind;

/// Before the name to which the domains are to be pointed, …
pub(crate) const POINT: &str = "Then: CNAME each domain to";
/// … and after it.
pub(crate) const ONCE_IT_SUCCEEDED: &str = "once this says \"succeeded\" (before that CloudFront answers 403).";
/// While there is no such name.
pub(crate) const NOT_YET: [&str; 2] = [
    "The CloudFront distribution is made once every domain is proved:",
    "the name to CNAME them to is shown here then.",
];

/// The user's final DNS change, as far as it is known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then<'v> {
    /// Point each domain to this name.
    Point(&'v str),
    /// The name is not known yet.
    NotYet,
}

impl<'v> Then<'v> {
    /// While the operation is running.
    pub(crate) fn of(view: &'v View) -> Option<Self> {
        let new_domains = view.domains.iter().any(|domain| domain.step_state.is_some());
        match &view.distribution_domain {
            Some(target) if view.kind == OperationKind::Provision || new_domains => Some(Self::Point(target)),
            None if view.kind == OperationKind::Provision => Some(Self::NotYet),
            _ => None,
        }
    }
}

/// The end of an operation that succeeded; the name of the distribution is to follow.
pub(crate) fn ready(view: &View) -> String {
    match view.domains.as_slice() {
        [only] => {
            let wildcard = wildcard_of(&only.domain).is_some();
            let scheme = if wildcard { "" } else { "https://" };
            format!("{scheme}{} is ready: CNAME it to", only.domain)
        }
        many => format!("{} domains are ready: CNAME each to", many.len()),
    }
}

/// How long the certificate lasts, and what comes then.
pub(crate) fn renewal(view: &View) -> Option<String> {
    let until = view.certificate_not_after?.date();
    Some(match has_lost_all(view) {
        true => format!("The certificate is valid until {until}. {RENEWED_NO_MORE}"),
        false => format!("The certificate is renewed by itself before {until}."),
    })
}

/// What is said in place of when the certificate is renewed, once the instance has lost all its domains.
pub(crate) const RENEWED_NO_MORE: &str = "It is not renewed any more: none of its domains belongs to this service now.";

/// Whether no domain is left that a renewal could ask a certificate for.
pub(crate) fn has_lost_all(view: &View) -> bool {
    !view.domains.is_empty() && view.domains.iter().all(|domain| domain.lost_at.is_some())
}

/// A domain of another instance whose proof can't be seen any more.
pub(crate) fn goes_over(at: OffsetDateTime, now: OffsetDateTime) -> String {
    format!(
        "in place; another service instance has it so far, and nothing proves it for that one any more. It becomes yours at \
         {}, if nothing changes: leave your record in place.",
        clock(at, now)
    )
}

/// Why it takes longer, what others do meanwhile, and what stays as it is.
pub(crate) fn notes(view: &View, waits_for_user: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(reason) = &view.order_spent {
        let reason = reason.to_string();
        let reason = reason.trim_end_matches('.');
        notes.push(format!("The previous order failed: {reason}."));
    }
    if let Some(host) = view.fallback_to.as_deref().and_then(|url| url.split('/').nth(2)) {
        notes.push(format!(
            "The certificate is ordered from {host} this time: the CA that comes first takes no order now."
        ));
    }
    if waits_for_user && !view.steps.is_empty() {
        notes.push(format!("Meanwhile: {}", working(view)));
    }
    let made = view.steps.iter().any(|step| step.kind.follows_configuration());
    if view.kind == OperationKind::Update && !made {
        notes.push("Until then the service keeps working unchanged.".to_owned());
    }
    notes
}
