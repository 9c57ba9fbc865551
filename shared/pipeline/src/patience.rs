//! How soon a platform should poll an operation again (OSBAPI, "Polling Last Operation": `Retry-After`).

use std::time::Duration;

use time::OffsetDateTime;

use crate::operation::OperationState;
use crate::status::{DomainView, View, is_in_place};
use crate::step::StepState;

/// The longest delay between two probes of a domain: a user who has set a record wants to read soon that it was seen.
const LONGEST: Duration = Duration::from_secs(300);

/// The duration of a probe, from the moment when it is due.
const A_LOOK: Duration = Duration::from_secs(5);

/// When a platform should poll again, as far as it follows from the operation's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// The operation has ended.
    Ended,
    /// Machines work, and may be done at any moment.
    Shortest,
    /// Only the user's DNS is waited for, and every domain has been probed again at this time.
    Round(OffsetDateTime),
}

impl Patience {
    /// How long to wait from `now` on, at least `shortest`; `None` when the operation has ended.
    pub fn wait(self, now: OffsetDateTime, shortest: Duration) -> Option<Duration> {
        match self {
            Self::Ended => None,
            Self::Shortest => Some(shortest),
            Self::Round(due) => {
                // Overdue: its result may arrive at any moment.
                let wait = Duration::try_from(due - now).map_or(Duration::ZERO, |wait| wait.saturating_add(A_LOOK));
                Some(wait.min(LONGEST).max(shortest))
            }
        }
    }
}

/// While the operation waits for nothing but the user's DNS, the text can't change before the next probe, and the operation
/// can't continue before every domain was probed again: after the last of these probes, at most 5 minutes. So one poll shows
/// the results of a whole round of probes.
pub fn patience(view: &View) -> Patience {
    if view.state != OperationState::Running {
        return Patience::Ended;
    }
    if !view.steps.is_empty() {
        return Patience::Shortest;
    }
    let needy = view.domains.iter().filter(|domain| needs_user(domain));
    let next_round = needy.map(|domain| domain.due_at.unwrap_or(view.now)).max();
    next_round.map_or(Patience::Shortest, Patience::Round)
}

/// The domain's record was not seen yet.
fn needs_user(domain: &DomainView) -> bool {
    domain.step_state == Some(StepState::Waiting) && !is_in_place(domain)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::proof::Method;
    use crate::reason::Look;
    use crate::reason::examples::{in_place, seen};
    use crate::status::StepView;
    use crate::status::examples::{domain, waiting};
    use crate::step::StepKind;

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);
    const SHORTEST: Duration = Duration::from_secs(30);

    fn due_in(seconds: i64) -> DomainView {
        DomainView {
            checked_at: None,
            due_at: Some(NOW + time::Duration::seconds(seconds)),
            challenges: None,
            ..domain("www.example.com")
        }
    }

    fn view(domains: Vec<DomainView>) -> View {
        View {
            now: NOW,
            ..waiting(domains)
        }
    }

    fn seconds(view: &View) -> Option<u64> {
        patience(view).wait(NOW, SHORTEST).map(|wait| wait.as_secs())
    }

    #[test]
    fn while_only_the_user_is_waited_for_it_is_as_long_as_a_round_of_looks() {
        assert_eq!(seconds(&view(vec![due_in(120)])), Some(125));
        assert_eq!(seconds(&view(vec![due_in(12)])), Some(30), "never shorter");
        assert_eq!(seconds(&view(vec![due_in(12), due_in(240), due_in(90)])), Some(245));
        assert_eq!(
            seconds(&view(vec![due_in(3600)])),
            Some(300),
            "a domain that rests for hours"
        );
        assert_eq!(seconds(&view(vec![due_in(-40)])), Some(30), "a look that is late");
    }

    #[test]
    fn while_machines_work_it_is_the_shortest() {
        let mut deploying = view(vec![due_in(240)]);
        deploying.steps = vec![StepView {
            kind: StepKind::CreateDistribution,
            waiting_for: None,
            due_at: NOW,
        }];
        assert_eq!(seconds(&deploying), Some(30));
        let mut spreading = due_in(240);
        spreading.waiting_for = seen(Look {
            settles_ms: Some(240_000),
            ..in_place("www.example.com", Method::Dns01)
        });
        assert_eq!(seconds(&view(vec![spreading])), Some(30));
        let mut verified = due_in(240);
        verified.step_state = Some(StepState::Done);
        assert_eq!(seconds(&view(vec![verified])), Some(30));
        assert_eq!(seconds(&view(vec![])), Some(30));
    }

    #[test]
    fn a_domain_that_only_has_to_spread_does_not_hurry_one_that_is_missing() {
        let mut spreading = due_in(10);
        spreading.waiting_for = seen(Look {
            settles_ms: Some(10_000),
            ..in_place("www.example.com", Method::Dns01)
        });
        assert_eq!(seconds(&view(vec![spreading, due_in(200)])), Some(205));
    }

    #[test]
    fn a_longer_setting_wins_and_an_ended_operation_has_none() {
        let mut view = view(vec![due_in(120)]);
        let hour = Duration::from_secs(3600);
        assert_eq!(patience(&view).wait(NOW, hour), Some(hour));
        view.state = OperationState::Succeeded;
        assert_eq!(patience(&view).wait(NOW, hour), None);
    }
}
