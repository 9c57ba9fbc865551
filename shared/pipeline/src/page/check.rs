//! Whether a look at a domain can be asked for now, and if not, why.

use time::Duration;

use super::facts::LookFacts;
use super::standing::Standing;
use crate::status::View;
use crate::status::words::clock;

/// A look that can be asked for so soon has its button already: the page may be open for longer than that.
const SOON: Duration = Duration::seconds(10);
const TIME_HAS_TO_PASS: &str = "Nothing to check: it is in place, and only time has to pass.";

/// Whether a look at a domain can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// There is a button for it.
    pub is_offered: bool,
    /// It was asked for, and what it saw isn't recorded yet.
    pub is_asked_for: bool,
    /// What is said beside the button, or in its place.
    pub says: Option<String>,
}

impl Check {
    /// `look` is of the step that waits for the domain, if one does.
    pub(super) fn of(view: &View, look: Option<&LookFacts>, standing: Standing) -> Self {
        let Some(look) = look else {
            return Self::not_now(without_a_step(standing));
        };
        if let Some(at) = look.asked_at {
            let at = clock(at, view.now);
            return Self {
                is_asked_for: true,
                ..Self::not_now(match look.published {
                    true => format!("Asked for at {at}: it is being looked at."),
                    false => format!(
                        "Asked for at {at}: it is looked at as soon as the broker's message queue answers again. Nothing is lost."
                    ),
                })
            };
        }
        if let Some(until) = look.held_until.filter(|until| *until > view.now) {
            return Self::not_now(format!(
                "It rests until {}, since the CA rejected it, and is then looked at by itself. Mend what the CA said by then.",
                clock(until, view.now)
            ));
        }
        let Some(again_at) = look.again_at else {
            return Self::not_now("It is being looked at for the first time.");
        };
        match standing {
            Standing::InPlace | Standing::Arrives => Self::not_now(TIME_HAS_TO_PASS),
            Standing::Publishing => {
                Self::not_now("Nothing to check: the broker looks at it again as soon as its value is published.")
            }
            _ => Self {
                is_offered: again_at <= view.now + SOON,
                is_asked_for: false,
                says: (again_at > view.now)
                    .then(|| format!("It can be checked again from {} on.", clock(again_at, view.now))),
            },
        }
    }

    fn not_now(why: impl Into<String>) -> Self {
        Self {
            is_offered: false,
            is_asked_for: false,
            says: Some(why.into()),
        }
    }
}

/// Why nothing waits for the domain.
fn without_a_step(standing: Standing) -> &'static str {
    match standing {
        Standing::Verified | Standing::Served => "Nothing to check: it is proved.",
        Standing::Ordering => "It is looked at once the certificate is ordered.",
        Standing::NothingFound | Standing::NotInPlace | Standing::Rejected | Standing::CaaForbids => {
            "It is looked at once the new order is placed."
        }
        Standing::InPlace | Standing::Arrives | Standing::Publishing => TIME_HAS_TO_PASS,
        Standing::ProofGone | Standing::Moves => "The broker looks at it again by itself.",
        Standing::Lost => "Nothing to check: another service instance has it.",
        Standing::NotProved => "Nothing is looked for any more: what was being done has ended.",
        Standing::BeingRemoved => "Nothing to check: this service is being deleted.",
        Standing::NotRemoved => "Nothing to check: this service is to be deleted.",
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;
    use time::macros::datetime;

    use super::*;
    use crate::operation::{OperationKind, OperationState};

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:04:40 UTC);

    fn view() -> View {
        View {
            kind: OperationKind::Provision,
            state: OperationState::Running,
            version: 0,
            failure: None,
            tenant: "org-1".into(),
            distribution_domain: None,
            now: NOW,
            certificate_not_after: None,
            order_spent: None,
            fallback_to: None,
            domains: Vec::new(),
            steps: Vec::new(),
        }
    }

    fn looked(again_at: Option<OffsetDateTime>) -> LookFacts {
        LookFacts {
            domain: "www.example.com".into(),
            asked_at: None,
            published: true,
            again_at,
            held_until: None,
        }
    }

    /// As the page has it: the button in brackets.
    fn told(look: Option<&LookFacts>, standing: Standing) -> String {
        let check = Check::of(&view(), look, standing);
        let button = if check.is_offered { "[Check now] " } else { "" };
        let told = format!("{button}{}", check.says.unwrap_or_default());
        told.trim_end().to_owned()
    }

    #[test]
    fn a_look_is_offered_to_who_waits_and_to_others_it_is_said_why_not() {
        let long_ago = looked(Some(NOW - Duration::MINUTE));
        let just_now = looked(Some(NOW + Duration::seconds(7)));
        let slow = looked(Some(NOW + Duration::minutes(4)));
        let asked = LookFacts {
            asked_at: Some(NOW - Duration::SECOND),
            ..long_ago.clone()
        };
        let unpublished = LookFacts {
            published: false,
            ..asked.clone()
        };
        let held = LookFacts {
            held_until: Some(NOW + Duration::HOUR),
            ..looked(None)
        };
        let rested = LookFacts {
            held_until: Some(NOW),
            ..long_ago.clone()
        };
        let all = [
            told(Some(&long_ago), Standing::NothingFound),
            told(Some(&rested), Standing::Rejected),
            told(Some(&just_now), Standing::NotInPlace),
            told(Some(&slow), Standing::NotInPlace),
            told(Some(&asked), Standing::NothingFound),
            told(Some(&unpublished), Standing::NothingFound),
            told(Some(&held), Standing::Rejected),
            told(Some(&looked(None)), Standing::InPlace),
            told(Some(&long_ago), Standing::InPlace),
            told(Some(&long_ago), Standing::Arrives),
            told(Some(&long_ago), Standing::Publishing),
            told(None, Standing::Verified),
            told(None, Standing::Ordering),
            told(None, Standing::Rejected),
            told(None, Standing::ProofGone),
            told(None, Standing::Lost),
            told(None, Standing::NotProved),
            told(None, Standing::BeingRemoved),
            told(None, Standing::NotRemoved),
        ];
        insta::assert_snapshot!(all.join("\n"), @r"
        [Check now]
        [Check now]
        [Check now] It can be checked again from 12:04:47 UTC on.
        It can be checked again from 12:08:40 UTC on.
        Asked for at 12:04:39 UTC: it is being looked at.
        Asked for at 12:04:39 UTC: it is looked at as soon as the broker's message queue answers again. Nothing is lost.
        It rests until 13:04:40 UTC, since the CA rejected it, and is then looked at by itself. Mend what the CA said by then.
        It is being looked at for the first time.
        Nothing to check: it is in place, and only time has to pass.
        Nothing to check: it is in place, and only time has to pass.
        Nothing to check: the broker looks at it again as soon as its value is published.
        Nothing to check: it is proved.
        It is looked at once the certificate is ordered.
        It is looked at once the new order is placed.
        The broker looks at it again by itself.
        Nothing to check: another service instance has it.
        Nothing is looked for any more: what was being done has ended.
        Nothing to check: this service is being deleted.
        Nothing to check: this service is to be deleted.
        ");
    }
}
