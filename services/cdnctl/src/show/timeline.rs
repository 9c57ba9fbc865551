//! An operation, step by step. Pure.

use store::operator::{OperationOf, StepOf};
use time::OffsetDateTime;

use crate::{shown, table};

/// `now`: the database's time.
pub(super) fn lines(operation: &OperationOf, now: OffsetDateTime) -> Vec<String> {
    let mut lines = vec![title(operation, now)];
    for (who, why) in [("user", &operation.failure), ("operator", &operation.cause)] {
        if let Some(why) = why {
            lines.push(format!("  for the {who}: {}", shown::clean(why)));
        }
    }
    let rows: Vec<_> = operation.steps.iter().map(|step| row(step, now)).collect();
    let heading = [
        "  BEGUN",
        "STEP",
        "DOMAIN",
        "ROUND",
        "ATTEMPTS",
        "STATE",
        "TOOK",
        "NEXT TRY",
        "WAITS FOR",
    ];
    lines.extend(table::lines(heading, &rows));
    lines
}

fn title(operation: &OperationOf, now: OffsetDateTime) -> String {
    let took = shown::span(operation.ended_at.unwrap_or(now) - operation.created_at);
    let asked = operation.platform.as_deref().map_or_else(String::new, |platform| {
        format!(", asked for by {}", shown::plain(platform))
    });
    format!(
        "{} {}  {}, {took}{asked}",
        operation.kind.to_uppercase(),
        operation.id,
        operation.state
    )
}

fn row(step: &StepOf, now: OffsetDateTime) -> [String; 9] {
    // Only retries increment the counter; the attempt that ended the step is one more.
    let attempts = step.attempt + i32::from(matches!(step.state.as_str(), "done" | "failed"));
    let took = step.ended_at.unwrap_or(now) - step.created_at;
    [
        format!("  {}", shown::moment(step.created_at)),
        step.kind.clone(),
        if step.subject.is_empty() {
            shown::none()
        } else {
            shown::clean(&step.subject)
        },
        step.round.to_string(),
        attempts.to_string(),
        state(step),
        shown::span(took),
        if step.state == "waiting" {
            next_try(step, now)
        } else {
            shown::none()
        },
        reason(step),
    ]
}

/// What the step waits for, or why it failed. For a completed step, the reasons of earlier waits are omitted.
fn reason(step: &StepOf) -> String {
    let counts = step.state != "done" || step.verdict.as_deref() == Some("order-spent");
    let reason = step.waiting_for.as_ref().filter(|_| counts);
    reason.map_or_else(shown::none, |reason| shown::clean(&reason.to_string()))
}

fn state(step: &StepOf) -> String {
    let how = match (&step.method, step.verdict.as_deref()) {
        (Some(method), _) => Some(method.as_str()),
        (None, Some("order-spent")) => Some("order spent"),
        _ => None,
    };
    match how {
        Some(how) => format!("{} ({})", step.state, shown::plain(how)),
        None if step.crashes > 0 => format!("{} (crashed {} times)", step.state, step.crashes),
        None => step.state.clone(),
    }
}

/// When it is due, and for how long it has been; if its message isn't published yet, the sweeper publishes it.
pub(crate) fn next_try(step: &StepOf, now: OffsetDateTime) -> String {
    let left = step.due_at - now;
    if left.is_positive() {
        return format!("in {}", shown::span(left));
    }
    let by = match step.published_at {
        None => ", by the sweeper",
        Some(_) => "",
    };
    format!("due for {}{by}", shown::span(-left))
}

#[cfg(test)]
mod tests {
    use pipeline::Reason;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    fn step() -> StepOf {
        let at = datetime!(2026-11-25 3:00 UTC);
        StepOf {
            id: Uuid::nil(),
            kind: "verify-challenge".into(),
            service: "challenge-verifier".into(),
            subject: "www.example.com".into(),
            round: 1,
            attempt: 3,
            state: "waiting".into(),
            verdict: None,
            method: None,
            waiting_for: Some(Reason::Told {
                text: "nothing\x1b[2J found".into(),
            }),
            created_at: at,
            checked_at: Some(at),
            due_at: at + time::Duration::minutes(5),
            deadline_at: at + time::Duration::days(7),
            published_at: Some(at),
            swept: 0,
            crashes: 0,
            ended_at: None,
        }
    }

    #[test]
    fn what_waits_says_since_when_and_until_when_and_steers_no_terminal() {
        let step = step();
        let cells = row(&step, step.created_at + time::Duration::minutes(2));
        assert_eq!(cells[3..8], ["1", "3", "waiting", "2 min", "in 3 min"]);
        assert_eq!(cells[8], "nothing\\u{1b}[2J found");
        let late = row(
            &StepOf {
                published_at: None,
                ..step.clone()
            },
            step.due_at + time::Duration::minutes(1),
        );
        assert_eq!(late[7], "due for 1 min, by the sweeper");
    }

    #[test]
    fn what_is_done_counts_the_attempt_that_did_it() {
        let step = step();
        let done = StepOf {
            state: "done".into(),
            method: Some("dns-persist-01".into()),
            ended_at: Some(step.created_at + time::Duration::seconds(90)),
            ..step.clone()
        };
        let cells = row(&done, step.created_at + time::Duration::days(3));
        assert_eq!(cells[4..], ["4", "done (dns-persist-01)", "1 min 30 s", "-", "-"]);
    }
}
