//! How long the steps of a kind usually take.

use time::Duration;

use super::facts::UsualFacts;
use crate::operation::OperationKind;
use crate::shown::lasting;
use crate::step::StepKind;

/// Of fewer operations nothing is told: one that was slow would make it wrong.
const ENOUGH: u32 = 10;

/// From what half of the last ones did not exceed to what nine of ten did not.
pub(super) fn usually(usual: &[UsualFacts], operation: OperationKind, step: StepKind) -> Option<String> {
    let of = |facts: &&UsualFacts| facts.operation == operation.as_str() && facts.step == step.as_str();
    let facts = usual.iter().find(of).filter(|facts| facts.successes >= ENOUGH)?;
    Some(format!("usually {}", range(rounded(facts.p50), rounded(facts.p90))))
}

/// In its largest unit alone, and never nothing.
fn rounded(seconds: f64) -> Duration {
    let unit = [86_400.0, 3600.0, 60.0].into_iter().find(|unit| seconds >= *unit);
    let unit = unit.unwrap_or(1.0);
    Duration::seconds(((seconds / unit).round().max(1.0) * unit) as i64)
}

/// The unit is said once, if it is the same.
fn range(from: Duration, to: Duration) -> String {
    let (from, to) = (lasting(from), lasting(to));
    let unit = |text: &str| text.split_once(' ').map(|(_, unit)| unit.to_owned());
    match from.split_once(' ') {
        _ if from == to => to,
        Some((count, _)) if unit(&from) == unit(&to) => format!("{count} to {to}"),
        _ => format!("{from} to {to}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(successes: u32, p50: f64, p90: f64) -> Vec<UsualFacts> {
        vec![UsualFacts {
            operation: "provision".to_owned(),
            step: "await-deployment".to_owned(),
            successes,
            p50,
            p90,
        }]
    }

    #[test]
    fn it_is_a_range_in_whole_units_and_nothing_where_few_were_counted() {
        let said = |facts: &[UsualFacts]| usually(facts, OperationKind::Provision, StepKind::AwaitDeployment);
        for (p50, p90, expected) in [
            (121.0, 299.0, "usually 2 to 5 min"),
            (59.4, 61.0, "usually 59 s to 1 min"),
            (0.02, 0.4, "usually 1 s"),
            (80.0, 85.0, "usually 1 min"),
            (3_599.0, 9_000.0, "usually 1 to 3 h"),
            (90_000.0, 170_000.0, "usually 1 to 2 d"),
        ] {
            assert_eq!(said(&facts(10, p50, p90)).as_deref(), Some(expected));
        }
        assert_eq!(said(&facts(9, 121.0, 299.0)), None);
        assert_eq!(said(&[]), None);
        let other = usually(
            &facts(200, 121.0, 299.0),
            OperationKind::Update,
            StepKind::AwaitDeployment,
        );
        assert_eq!(other, None, "an update's deployment is another one");
    }
}
