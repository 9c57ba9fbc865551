//! A figure beside its floor, and the verdict.

use std::time::Duration;

use customer::percentile;

use crate::spread::{Spread, millis};

/// What the product may be at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    /// So many times the floor.
    Times(f64),
    /// The floor and so much more.
    Plus(f64),
    /// So much, whatever the floor is.
    AtMost(f64),
    /// The figure is only told.
    None,
}

/// One line of a row's table.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    /// What was measured, with its unit.
    pub(crate) what: String,
    pub(crate) floor: Option<Spread>,
    pub(crate) product: Spread,
    pub(crate) goal: Goal,
}

impl Comparison {
    /// A figure beside its floor.
    pub(crate) fn new(what: impl Into<String>, floor: Spread, product: Spread, goal: Goal) -> Self {
        Self {
            what: what.into(),
            floor: Some(floor),
            product,
            goal,
        }
    }

    /// A figure without a floor.
    pub(crate) fn alone(what: impl Into<String>, product: Spread, goal: Goal) -> Self {
        Self {
            what: what.into(),
            floor: None,
            product,
            goal,
        }
    }

    /// A figure that is only told.
    pub(crate) fn told(what: impl Into<String>, product: Spread) -> Self {
        Self::alone(what, product, Goal::None)
    }

    /// How many times the floor, by the medians.
    pub(crate) fn times(&self) -> Option<f64> {
        let floor = self.floor?.median;
        (floor > 0.0).then(|| self.product.median / floor)
    }

    /// The most that the product may be.
    pub(crate) fn allowed(&self) -> Option<f64> {
        match self.goal {
            Goal::Times(times) => Some(self.floor?.median * times),
            Goal::Plus(more) => Some(self.floor?.median + more),
            Goal::AtMost(most) => Some(most),
            Goal::None => None,
        }
    }

    /// The verdict: whether the goal was reached, by the medians. None: there is no goal.
    pub(crate) fn reached(&self) -> Option<bool> {
        self.allowed().map(|allowed| self.product.median <= allowed)
    }
}

/// The p50 and the p99 of what took so long in each round, the quickest first.
///
/// # Errors
/// When there are no rounds.
pub(crate) fn p50_and_p99(
    what: &str,
    floors: &[Vec<Duration>],
    products: &[Vec<Duration>],
    goal: Goal,
) -> anyhow::Result<Vec<Comparison>> {
    let line = |name: &str, share: f64| {
        let spread = |rounds: &[Vec<Duration>]| Spread::of(rounds.iter().map(|took| millis(percentile(took, share))));
        let what = format!("{what}: {name} (ms)");
        anyhow::Ok(Comparison::new(what, spread(floors)?, spread(products)?, goal))
    };
    [line("p50", 0.5), line("p99", 0.99)].into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_is_by_the_medians() {
        let compared = |goal| Comparison::new("p50 (ms)", Spread::once(2.0), Spread::once(3.0), goal);
        assert_eq!(compared(Goal::Times(1.25)).reached(), Some(false));
        assert_eq!(compared(Goal::Times(1.5)).reached(), Some(true));
        assert_eq!(compared(Goal::Plus(0.5)).reached(), Some(false));
        assert_eq!(compared(Goal::Plus(1.0)).reached(), Some(true));
        assert_eq!(compared(Goal::AtMost(3.0)).reached(), Some(true));
        assert_eq!(compared(Goal::None).reached(), None);
        assert_eq!(compared(Goal::None).times(), Some(1.5));
    }

    #[test]
    fn without_a_floor_nothing_is_compared_with_it() {
        assert_eq!(Comparison::told("size (MiB)", Spread::once(3.0)).times(), None);
        let nothing = Comparison::new("x", Spread::once(0.0), Spread::once(3.0), Goal::None);
        assert_eq!(nothing.times(), None);
    }
}
