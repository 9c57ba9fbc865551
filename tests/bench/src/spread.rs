//! Several measurements of the same.

use std::time::Duration;

use anyhow::Context as _;

/// The smallest, the middle and the largest of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// # Errors
    /// When there are none.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> anyhow::Result<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = sorted
            .first()
            .copied()
            .zip(sorted.last().copied())
            .context("nothing was measured")?;
        let (below, above) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Ok(Self {
            min,
            median: f64::midpoint(below, above),
            max,
        })
    }

    /// A value that was measured once.
    pub(crate) fn once(value: f64) -> Self {
        Self {
            min: value,
            median: value,
            max: value,
        }
    }

    /// All of them longer by this.
    pub(crate) fn plus(self, more: f64) -> Self {
        Self {
            min: self.min + more,
            median: self.median + more,
            max: self.max + more,
        }
    }
}

/// In milliseconds.
pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_an_even_number_is_between_the_two() {
        let spread = Spread::of([3.0, 1.0, 2.0, 10.0]).unwrap();
        assert_eq!((spread.min, spread.median, spread.max), (1.0, 2.5, 10.0));
        assert_eq!(Spread::of([7.0]).unwrap(), Spread::once(7.0));
        assert_eq!(Spread::of([3.0, 9.0, 5.0]).unwrap().median, 5.0);
        assert!(Spread::of([]).is_err());
    }

    #[test]
    fn a_constant_part_is_added_to_each() {
        assert_eq!(
            Spread::of([1.0, 3.0]).unwrap().plus(4.0),
            Spread::of([5.0, 7.0]).unwrap()
        );
    }
}
