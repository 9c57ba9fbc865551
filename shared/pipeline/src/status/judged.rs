//! How a domain is judged by what was seen of it.

use super::DomainView;
use crate::reason::{Look, Reason};

/// The last probe.
pub(crate) fn look(domain: &DomainView) -> Option<&Look> {
    domain.waiting_for.as_ref().and_then(Reason::look)
}

/// The record was seen, and only time has to pass.
pub(crate) fn is_in_place(domain: &DomainView) -> bool {
    look(domain).is_some_and(|look| look.ready().is_some())
}

/// The CNAME was seen, and the rest is the broker's.
pub(crate) fn waits_for_the_broker(domain: &DomainView) -> bool {
    look(domain).is_some_and(Look::waits_for_the_broker)
}

/// It is proved, but its CAA records forbid the CA to issue.
pub(crate) fn is_proved(domain: &DomainView) -> bool {
    look(domain).is_some_and(Look::is_held_by_caa)
}

/// Nothing wrong was seen; the records are just not set yet.
pub(crate) fn is_plain_absence(domain: &DomainView) -> bool {
    domain.waiting_for.is_none() || look(domain).is_some_and(Look::is_plain_absence)
}
