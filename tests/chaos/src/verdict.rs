//! The promises, line by line: pure functions of the observations and the final state.

use std::collections::BTreeMap;
use std::time::Duration;

use customer::percentile;

use crate::evidence::{Evidence, Order};
use crate::facts::{End, Kind, Seen};
use crate::holdings;
use crate::setup::{BACKLOG_GRACES, SWEEP_GRACE};

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The description.
    pub what: String,
    /// The result.
    pub value: String,
    /// Whether the promise is kept; `None` when nothing is promised.
    pub kept: Option<bool>,
    /// The violations.
    pub which: Vec<String>,
}

impl Line {
    /// A figure without a promise.
    pub fn told(what: impl Into<String>, value: impl ToString) -> Self {
        Self {
            what: what.into(),
            value: value.to_string(),
            kept: None,
            which: Vec::new(),
        }
    }

    /// Promised to be empty.
    pub fn none(what: impl Into<String>, which: Vec<String>) -> Self {
        Self {
            what: what.into(),
            value: which.len().to_string(),
            kept: Some(which.is_empty()),
            which,
        }
    }
}

/// The permitted reasons for a failure: the CA's verdict about the tenant's domains, which the faults can cause; and
/// that a domain belongs to another instance, where [`holdings`] checks whether that is correct.
const EXPLAINED: [&str; 2] = ["could not be verified in time", holdings::REFUSED];

/// Three times a connection pool's time limit.
const BROKER_READY_WITHIN: Duration = Duration::from_secs(15);

/// All promises for a run with faults.
pub fn lines(seen: &Seen, evidence: &Evidence) -> Vec<Line> {
    let mut lines = always(seen, evidence);
    lines.extend(holdings::lines(seen));
    lines.extend(delegation(seen, evidence));
    lines.extend([
        Line::told(
            "the longest that a step was overdue, in all",
            format!("{:.1} s", seen.longest_overdue.0),
        ),
        Line {
            kept: Some(seen.longest_overdue_in_peace.0 <= overdue_at_most().as_secs_f64()),
            which: vec![seen.longest_overdue_in_peace.1.clone()],
            ..Line::told(
                format!("  after the faults (at most {:?})", overdue_at_most()),
                format!("{:.1} s", seen.longest_overdue_in_peace.0),
            )
        },
        Line {
            kept: Some(seen.broker_ready_after < BROKER_READY_WITHIN),
            ..Line::told(
                format!("broker-api ready after PostgreSQL or itself was back (within {BROKER_READY_WITHIN:?})"),
                format!("{:.1} s", seen.broker_ready_after.as_secs_f64()),
            )
        },
    ]);
    lines
}

/// All promises about operations and their remains, whatever the faults.
pub fn always(seen: &Seen, evidence: &Evidence) -> Vec<Line> {
    let mut lines = operations(seen);
    lines.extend(failures(seen));
    lines.extend([
        Line::none(
            "instances that succeeded but are not served",
            seen.not_served.iter().map(|(id, why)| format!("{id}: {why}")).collect(),
        ),
        Line {
            which: evidence.failed.clone(),
            ..Line::told("operations that failed by the database", evidence.failed.len())
        },
        Line::none("operations that still run in the database", evidence.running.clone()),
    ]);
    lines.extend(outside(evidence));
    lines.extend(polls(seen));
    lines.push(Line::told(
        "steps that overran three times in a row, each with a note that is parked",
        evidence.notes,
    ));
    // A note that RabbitMQ did not accept is still in the log.
    let parked = (seen.parked + evidence.parked).saturating_sub(evidence.notes);
    lines.push(Line {
        value: parked.to_string(),
        kept: Some(parked == 0),
        ..Line::told("messages parked", 0)
    });
    lines.push(Line::none("troubles of the run itself", seen.troubles.clone()));
    lines
}

/// The longest time that the sweeper may leave a step alone: with a backlog, and one round of it.
pub fn overdue_at_most() -> Duration {
    SWEEP_GRACE * BACKLOG_GRACES + Duration::from_secs(5)
}

fn operations(seen: &Seen) -> Vec<Line> {
    let mut table = BTreeMap::<(Kind, &str), usize>::new();
    for asked in &seen.operations {
        let end = match &asked.ended {
            None => "stuck",
            Some((_, End::Succeeded)) => "succeeded",
            Some((_, End::Failed(_))) => "failed",
            Some((_, End::Superseded)) => "superseded",
            Some((_, End::Refused(_))) => "refused",
        };
        *table.entry((asked.kind, end)).or_default() += 1;
    }
    let stuck = seen.operations.iter().filter(|asked| asked.ended.is_none());
    let mut lines = vec![
        Line::told(
            "operations ended",
            seen.operations.iter().filter(|asked| asked.ended.is_some()).count(),
        ),
        Line::none(
            "operations that did not end",
            stuck
                .map(|asked| format!("{} {}", asked.instance, asked.kind.as_str()))
                .collect(),
        ),
    ];
    lines.extend(
        table
            .into_iter()
            .map(|((kind, end), count)| Line::told(format!("  {} {end}", kind.as_str()), count)),
    );
    lines
}

/// Failures by reason; the faults must explain each of them.
fn failures(seen: &Seen) -> Vec<Line> {
    let mut reasons = BTreeMap::<String, Vec<String>>::new();
    for asked in &seen.operations {
        let (Some((_, End::Failed(reason))) | Some((_, End::Refused(reason)))) = &asked.ended else {
            continue;
        };
        reasons
            .entry(format!("{}: {}", asked.kind.as_str(), without_names(reason)))
            .or_default()
            .push(asked.instance.clone());
    }
    reasons
        .into_iter()
        .map(|(reason, which)| Line {
            kept: Some(EXPLAINED.iter().any(|explained| reason.contains(explained))),
            value: which.len().to_string(),
            what: format!("  failed, {reason}"),
            which,
        })
        .collect()
}

fn without_names(text: &str) -> String {
    text.split_whitespace()
        .map(|word| match word.contains("example.com") || word.contains("://") {
            true => "…",
            false => word,
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// Each external effect exactly once, and nothing left.
fn outside(evidence: &Evidence) -> Vec<Line> {
    let mut lines = made_once(evidence);
    lines.extend(orders(evidence));
    lines.extend(left_by_removed(evidence));
    lines
}

/// Distributions and certificates.
fn made_once(evidence: &Evidence) -> Vec<Line> {
    let more_than_one = |counts: &BTreeMap<String, usize>| {
        counts
            .iter()
            .filter(|(_, count)| **count > 1)
            .map(|(what, count)| format!("{what}: {count}"))
            .collect::<Vec<_>>()
    };
    let sum = |counts: &BTreeMap<String, usize>| counts.values().sum::<usize>();
    let (given_up, lost) = not_fetched(evidence);
    let left = |left: &[crate::evidence::Left]| {
        left.iter()
            .map(|one| format!("{} of {}", one.id, one.instance))
            .collect()
    };
    let mut lines = vec![
        // Also if each had a different caller reference.
        Line {
            kept: Some(i64::try_from(sum(&evidence.distributions)).unwrap_or(i64::MAX) <= evidence.instances),
            ..Line::told(
                format!("distributions made, for {} instances", evidence.instances),
                sum(&evidence.distributions),
            )
        },
        Line::none(
            "instances with more than one distribution",
            more_than_one(&evidence.distributions),
        ),
        Line::none("distributions left over", left(&evidence.distributions_left)),
        Line::told("certificates uploaded to IAM", sum(&evidence.uploads)),
        Line::none(
            "ACME certificates uploaded more than once",
            more_than_one(&evidence.uploads),
        ),
        Line::none("IAM certificates left over", left(&evidence.certificates_left)),
        Line::told("left by the dead, and deleted by the reconcilers", evidence.reconciled),
        Line::told("certificates issued by the CA", sum(&evidence.issued)),
        Line::none("orders with more than one certificate", more_than_one(&evidence.issued)),
        Line::told("certificates known to the database", evidence.certificates_known),
        Line::none("  issued, but never fetched, and the order not given up", lost),
    ];
    lines.extend(
        given_up
            .into_iter()
            .map(|(why, count)| Line::told(format!("  issued, but not needed any more: {why}"), count)),
    );
    lines
}

fn orders(evidence: &Evidence) -> Vec<Line> {
    let unknown = evidence
        .orders_taken
        .iter()
        .filter(|id| order(evidence, id).is_none())
        .count();
    let mut lines = vec![
        Line::told("orders needed (operations that placed any)", evidence.orders_needed),
        Line::told("orders placed, and known", evidence.orders_known.len()),
        // The worker that placed them died, or got no response, before the URL was recorded: nothing is ever issued for
        // them.
        Line::told("orders taken by the CA, but unknown", unknown),
    ];
    lines.extend(
        evidence
            .replaced
            .iter()
            .map(|(reason, count)| Line::told(format!("  order replaced: {reason}"), count)),
    );
    lines
}

/// What a removal must not leave in the database, and the calls to AWS.
fn left_by_removed(evidence: &Evidence) -> [Line; 4] {
    [
        Line::told("instances not removed", evidence.instances_left),
        Line {
            kept: Some(evidence.claims_left == 0),
            ..Line::told("claims of removed instances", evidence.claims_left)
        },
        Line {
            kept: Some(evidence.keys_left == 0),
            ..Line::told("private keys of removed instances", evidence.keys_left)
        },
        Line::told(
            "calls to AWS by result",
            evidence
                .aws_calls
                .iter()
                .map(|(result, count)| format!("{result} {count}"))
                .collect::<Vec<_>>()
                .join(", "),
        ),
    ]
}

/// The domains whose challenges are answered in the broker's own zone, and what is left there.
fn delegation(seen: &Seen, evidence: &Evidence) -> [Line; 4] {
    let planned = seen.delegated_planned.len();
    let proved = evidence.delegated.len();
    let otherwise = seen.delegated.difference(&evidence.delegated);
    [
        Line {
            kept: (planned > 0).then_some(proved > 0),
            ..Line::told(
                format!("domains proved by delegated-dns-01 (planned: {planned}, so at least one)"),
                proved,
            )
        },
        Line::none(
            "  succeeded with a CNAME, but not proved by it",
            otherwise.cloned().collect(),
        ),
        Line::none("TXT values left in the broker's zone", evidence.texts_left.clone()),
        Line {
            kept: Some(evidence.values_left == 0),
            ..Line::told("  left by the database", evidence.values_left)
        },
    ]
}

fn order<'a>(evidence: &'a Evidence, id: &str) -> Option<&'a Order> {
    evidence.orders_known.iter().find(|order| order.url.ends_with(id))
}

/// Orders whose certificate was issued and is not in the database: by the reason why it is no longer needed, and those
/// without a reason.
fn not_fetched(evidence: &Evidence) -> (BTreeMap<&str, usize>, Vec<String>) {
    let mut given_up = BTreeMap::new();
    let mut lost = Vec::new();
    for id in evidence.issued.keys() {
        match order(evidence, id) {
            Some(Order { certified: true, .. }) => {}
            Some(Order {
                given_up: Some(why), ..
            }) => *given_up.entry(why.as_str()).or_default() += 1,
            Some(_) => lost.push(format!("{id}: the operation needs it")),
            None => lost.push(format!("{id}: unknown to the database")),
        }
    }
    (given_up, lost)
}

fn polls(seen: &Seen) -> Vec<Line> {
    let mut all = BTreeMap::<&str, usize>::new();
    for poll in &seen.polls {
        *all.entry(poll.answer.as_str()).or_default() += 1;
    }
    let undisturbed: Vec<_> = seen.polls.iter().filter(|poll| poll.undisturbed).collect();
    let mut took: Vec<Duration> = undisturbed.iter().map(|poll| poll.took).collect();
    took.sort_unstable();
    let at = |share| percentile(&took, share).as_millis();
    let mut slowest = undisturbed.clone();
    slowest.sort_by_key(|poll| std::cmp::Reverse(poll.took));
    let mut lines = vec![Line::told("polls of last_operation", seen.polls.len())];
    lines.extend(
        all.into_iter()
            .map(|(answer, count)| Line::told(format!("  {answer}"), count)),
    );
    lines.extend([
        Line::none(
            "unusable answers while PostgreSQL and broker-api were up",
            undisturbed
                .iter()
                .filter(|poll| !poll.good)
                .map(|poll| format!("{} at {:.1} s", poll.answer, poll.at.as_secs_f64()))
                .collect(),
        ),
        Line::told(
            format!("  of {} such polls p50, p99, longest", undisturbed.len()),
            format!("{}, {}, {} ms", at(0.5), at(0.99), at(1.0)),
        ),
        Line {
            which: slowest
                .iter()
                .take(3)
                .map(|poll| format!("{} ms at {:.0} s", poll.took.as_millis(), poll.at.as_secs_f64()))
                .collect(),
            ..Line::told("  the slowest of them", "")
        },
    ]);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;

    fn broken(lines: &[Line]) -> Vec<&str> {
        lines
            .iter()
            .filter(|line| line.kept == Some(false))
            .map(|line| line.what.as_str())
            .collect()
    }

    #[test]
    fn nothing_seen_and_nothing_left_breaks_nothing() {
        assert_eq!(
            broken(&lines(&Seen::default(), &Evidence::default())),
            Vec::<&str>::new()
        );
    }

    #[test]
    fn each_broken_promise_has_its_line() {
        let facts = Facts::default();
        facts.asked("stuck", Kind::Provision);
        let failed = facts.asked("failed", Kind::Provision);
        facts.ended(failed, End::Failed("CloudFront refuses d0.example.com".into()));
        let late = facts.asked("late", Kind::Provision);
        facts.ended(
            late,
            End::Failed("d0.example.com could not be verified in time: nothing found yet".into()),
        );
        let weather = facts.weather();
        facts.polled("500".into(), false, Duration::ZERO, weather);
        let mut evidence = Evidence {
            certificates_left: vec![crate::evidence::Left {
                id: "name".into(),
                instance: "of".into(),
            }],
            certificates_known: 2,
            instances: 1,
            texts_left: vec!["0a1b.acme.cdn.test. 30 TXT \"value\"".into()],
            values_left: 1,
            parked: 3,
            notes: 2,
            ..Evidence::default()
        };
        evidence.distributions.insert("twice".into(), 2);
        evidence.issued.insert("order".into(), 2);
        evidence.issued.insert("cancelled".into(), 1);
        evidence.orders_known = [("order", None), ("cancelled", Some("operation superseded".to_owned()))]
            .map(|(id, given_up)| Order {
                url: format!("https://ca.example/my-order/{id}"),
                certified: false,
                given_up,
            })
            .to_vec();
        facts.seen().delegated_planned.insert("d1.example.com".into());
        facts.seen().delegated.insert("d1.example.com".into());
        facts.seen().peace = std::time::Instant::now().checked_sub(Duration::from_secs(1000));
        facts.overdue(vec![(900.0, "old".into()), (1.0, "young".into())]);
        let lines = lines(&facts.seen(), &evidence);
        assert_eq!(
            broken(&lines),
            [
                "operations that did not end",
                "  failed, provision: CloudFront refuses …",
                "distributions made, for 1 instances",
                "instances with more than one distribution",
                "IAM certificates left over",
                "orders with more than one certificate",
                "  issued, but never fetched, and the order not given up",
                "unusable answers while PostgreSQL and broker-api were up",
                "messages parked",
                "domains proved by delegated-dns-01 (planned: 1, so at least one)",
                "  succeeded with a CNAME, but not proved by it",
                "TXT values left in the broker's zone",
                "  left by the database",
                "  after the faults (at most 65s)",
            ]
        );
        assert!(lines.iter().any(|line| line.which == ["stuck provision"]));
    }

    #[test]
    fn a_delegated_domain_keeps_its_promise_only_by_its_cname() {
        let (mut seen, mut evidence) = (Seen::default(), Evidence::default());
        seen.delegated_planned.insert("d1.example.com".into());
        seen.delegated.insert("d1.example.com".into());
        evidence.delegated.insert("d2.example.com".into());
        assert_eq!(
            broken(&delegation(&seen, &evidence)),
            ["  succeeded with a CNAME, but not proved by it"]
        );
        evidence.delegated.insert("d1.example.com".into());
        assert_eq!(broken(&delegation(&seen, &evidence)), Vec::<&str>::new());
    }

    #[test]
    fn a_poll_during_a_fault_at_the_broker_is_not_held_against_it() {
        let facts = Facts::default();
        let weather = facts.weather();
        let fault = crate::fault::Fault::KillPostgres;
        let number = facts.fault_begins(&fault);
        facts.fault_is_over(number, &fault);
        // The poll began before the fault and ended after it.
        facts.polled("503".into(), false, Duration::ZERO, weather);
        assert_eq!(broken(&polls(&facts.seen())), Vec::<&str>::new());
    }
}
