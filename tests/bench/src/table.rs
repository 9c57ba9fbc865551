//! A row's results as a Markdown table.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::comparison::{Comparison, Goal};
use crate::spread::Spread;

/// The table. Smallest / **middle** / largest of the rounds. In the last column, the figures of the table `before`: those of another run.
pub(crate) fn markdown(comparisons: &[Comparison], before: &str) -> String {
    let before: HashMap<&str, String> = before.lines().filter_map(middle).collect();
    let mut text =
        String::from("| | floor | here | times the floor | goal | | the run before |\n|---|---|---|---|---|---|---|\n");
    for one in comparisons {
        // Writing to a string never fails.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            one.what,
            one.floor.map_or_else(String::new, spread),
            spread(one.product),
            one.times().map_or_else(String::new, figure),
            goal(one),
            match one.reached() {
                Some(true) => "reached",
                Some(false) => "**missed**",
                None => "",
            },
            before.get(&*one.what).map_or("", String::as_str)
        );
    }
    text
}

/// What a line of a table is about, its middle figure, and how many times the floor that is.
fn middle(line: &str) -> Option<(&str, String)> {
    let mut cells = line.trim_matches('|').split('|').map(str::trim);
    let (what, _floor, here, times) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
    let middle = here.split("**").nth(1).unwrap_or(here);
    let told = match times {
        "" => middle.to_owned(),
        times => format!("{middle} ({times} ×)"),
    };
    Some((what, told))
}

fn goal(one: &Comparison) -> String {
    match one.goal {
        Goal::Times(times) => format!("≤ {} ×", figure(times)),
        Goal::Plus(more) => format!("≤ floor + {}", figure(more)),
        Goal::AtMost(most) => format!("≤ {}", figure(most)),
        Goal::None => String::new(),
    }
}

fn spread(of: Spread) -> String {
    if of.min == of.max {
        return figure(of.median);
    }
    format!("{} / **{}** / {}", figure(of.min), figure(of.median), figure(of.max))
}

/// A number with about three digits.
pub(crate) fn figure(value: f64) -> String {
    let decimals = match value.abs() {
        0.0 => 0,
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        let figures = [0.0, 0.0312, 1.25, 12.34, 123.4, 11_592.0].map(figure);
        assert_eq!(figures, ["0", "0.031", "1.25", "12.3", "123", "11592"]);
    }

    #[test]
    fn a_table_has_a_line_for_each() {
        let (floor, product) = (
            Spread::of([0.2, 0.4, 0.6]).unwrap(),
            Spread::of([0.4, 0.8, 1.0]).unwrap(),
        );
        let comparisons = [
            Comparison::new("p50 (ms)", floor, product, Goal::Times(1.25)),
            Comparison::told("per second", Spread::once(500.0)),
        ];
        let lines = |table: &str| table.lines().skip(2).map(str::to_owned).collect::<Vec<_>>();
        let first = markdown(&comparisons, "");
        assert_eq!(
            lines(&first),
            [
                "| p50 (ms) | 0.200 / **0.400** / 0.600 | 0.400 / **0.800** / 1.00 | 2.00 | ≤ 1.25 × | **missed** |  |",
                "| per second |  | 500 |  |  |  |  |",
            ]
        );
        let second = markdown(&comparisons, &first);
        assert_eq!(
            lines(&second),
            [
                "| p50 (ms) | 0.200 / **0.400** / 0.600 | 0.400 / **0.800** / 1.00 | 2.00 | ≤ 1.25 × | **missed** | 0.800 (2.00 ×) |",
                "| per second |  | 500 |  |  |  | 500 |",
            ]
        );
    }
}
