//! What mails and others who are not at a terminal are told of how things stand: the words and records of the status text, a line each.

use super::lines::unfolded;
use super::threat::Threat;
use super::ways;
use super::words::moment;
use super::{View, Whose, situation, text};

/// What is about to happen to a domain of an instance at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Danger {
    /// Another instance proves it: it goes there.
    Leaves,
    /// Nothing proves it any more: its certificate can't be renewed.
    Lapses,
}

/// The status text, line by line. Without redirects for http-01, whose address only broker-api knows.
pub fn told(view: &View) -> Vec<String> {
    let text = unfolded(&text(view, None));
    let lines = text.split('\n').map(str::trim).filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

/// Whether the operation waits for its user.
pub fn waits_for_user(view: &View) -> bool {
    situation(view).whose == Whose::Yours
}

/// What is said of a domain in this danger, and the records of which any one averts it. `None`: it is not in that danger, or in
/// a greater one.
pub fn endangered(view: &View, name: &str, danger: Danger) -> Option<Vec<String>> {
    let domain = view.domains.iter().find(|domain| domain.domain == name)?;
    let threat = Threat::of(domain)?;
    let is_it = match threat {
        Threat::Lost(_) => false,
        Threat::Moves(_) => danger == Danger::Leaves,
        Threat::ProofGone(_) => danger == Danger::Lapses,
    };
    is_it.then(|| {
        let records = threat.remedies(view, domain);
        let records = records.iter().filter_map(ways::line);
        std::iter::once(threat.said(domain)).chain(records).collect()
    })
}

/// What is said first of a renewal that does not get done; its status is to follow.
pub fn not_renewed(view: &View) -> String {
    match view.certificate_not_after {
        Some(until) if until <= view.now => format!(
            "The certificate could not be renewed, and has ended at {}: browsers refuse it.",
            moment(until)
        ),
        Some(until) => format!(
            "The certificate can't be renewed so far. The certificate in use is valid until {}.",
            until.date()
        ),
        None => "The certificate can't be renewed so far.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;

    use super::super::examples::{domain, waiting};
    use super::super::{describe, ownership};
    use super::*;
    use crate::operation::OperationState;
    use crate::reason::examples::{absent, seen};
    use crate::step::StepState;

    /// An instance at rest, with this to be said of its domain.
    fn at_rest(change: impl FnOnce(&mut crate::status::DomainView)) -> View {
        let mut domain = domain("www.example.com");
        domain.step_state = Some(StepState::Done);
        change(&mut domain);
        let mut view = waiting(vec![domain]);
        view.state = OperationState::Succeeded;
        view.distribution_domain = Some("d111111abcdef8.cloudfront.net".to_owned());
        view
    }

    #[test]
    fn a_mail_says_what_the_status_says_but_for_redirects() {
        let view = waiting(vec![domain("www.example.com")]);
        assert!(waits_for_user(&view));
        let status = unfolded(&describe(&view, "http://broker.example.com"));
        let told = told(&view);
        assert_eq!(told[0], "Waiting for you: 1 of 1 domain needs a DNS record.");
        for line in &told {
            assert!(status.contains(line.as_str()), "{line}: {status}");
        }
        let all = told.join("\n");
        assert!(all.contains("_validation-persist.www.example.com TXT \""), "{all}");
        assert!(
            status.contains("broker.example.com") && !all.contains("/.well-known/"),
            "{all}"
        );
    }

    #[test]
    fn an_operation_that_works_or_has_ended_waits_for_nobody() {
        let mut view = waiting(vec![domain("www.example.com")]);
        view.domains[0].step_state = Some(StepState::Done);
        assert!(!waits_for_user(&view));
        let mut view = waiting(vec![domain("www.example.com")]);
        view.state = OperationState::Failed;
        assert!(!waits_for_user(&view));
    }

    #[test]
    fn a_domain_in_danger_is_told_as_its_status_tells_it() {
        let at = datetime!(2026-11-25 12:04 UTC);
        let leaves = at_rest(|domain| domain.loses_at = Some(at));
        let lapses = at_rest(|domain| {
            domain.proof_gone_at = Some(at);
            domain.proof_seen = seen(absent("www.example.com"));
        });
        let both = at_rest(|domain| {
            domain.loses_at = Some(at);
            domain.proof_gone_at = Some(at);
        });
        let lost = at_rest(|domain| domain.lost_at = Some(at));
        let safe = at_rest(|_| {});
        for (view, danger) in [
            (&leaves, Danger::Leaves),
            (&lapses, Danger::Lapses),
            (&both, Danger::Leaves),
        ] {
            let told = endangered(view, "www.example.com", danger).unwrap();
            assert_eq!(told.join("\n"), ownership(view));
            assert!(told.last().unwrap().starts_with("_validation-persist."), "{told:?}");
        }
        for (view, danger) in [
            (&leaves, Danger::Lapses),
            (&lapses, Danger::Leaves),
            (&both, Danger::Lapses),
            (&lost, Danger::Leaves),
            (&safe, Danger::Lapses),
        ] {
            assert_eq!(endangered(view, "www.example.com", danger), None, "{danger:?}");
        }
        assert_eq!(endangered(&leaves, "other.example.com", Danger::Leaves), None);
    }

    #[test]
    fn a_certificate_that_was_not_renewed_is_told_with_its_end() {
        let mut view = at_rest(|_| {});
        assert_eq!(not_renewed(&view), "The certificate can't be renewed so far.");
        view.certificate_not_after = Some(view.now + Duration::days(3));
        assert_eq!(
            not_renewed(&view),
            "The certificate can't be renewed so far. The certificate in use is valid until 2026-11-27."
        );
        view.certificate_not_after = Some(view.now);
        assert_eq!(
            not_renewed(&view),
            "The certificate could not be renewed, and has ended at 2026-11-24 12:04 UTC: browsers refuse it."
        );
    }
}
