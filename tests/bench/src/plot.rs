//! How many times its floor each figure is, as bars.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::comparison::Comparison;
use crate::table::figure;

const WIDTH: i32 = 900;
const LEFT: i32 = 340;
const RIGHT: i32 = 60;
const TOP: i32 = 70;
const LINE: i32 = 28;
const BOTTOM: i32 = 20;
/// Where the axis begins, in times the floor.
const LEAST: f64 = 0.5;
const BLUE_BAR: RGBColor = RGBColor(40, 90, 160);

/// A figure that has a floor, in times the floor's median.
struct Bar<'c> {
    what: &'c str,
    least: f64,
    middle: f64,
    most: f64,
    goal: f64,
}

impl<'c> Bar<'c> {
    /// Figures without a goal are left out: more of them may be better.
    fn of(one: &'c Comparison) -> Option<Self> {
        let middle = one.times()?;
        let floor = one.floor?.median;
        Some(Self {
            what: &one.what,
            least: one.product.min / floor,
            middle,
            most: one.product.max / floor,
            goal: one.allowed()? / floor,
        })
    }
}

/// Draws; the axis is logarithmic. Returns whether there was anything to draw.
///
/// # Errors
/// When the file can't be written.
pub(crate) fn draw(path: &Path, title: &str, comparisons: &[Comparison]) -> anyhow::Result<bool> {
    let bars: Vec<Bar<'_>> = comparisons.iter().filter_map(Bar::of).collect();
    if bars.is_empty() {
        return Ok(false);
    }
    let height = TOP + LINE * i32::try_from(bars.len())? + BOTTOM;
    let size = (u32::try_from(WIDTH)?, u32::try_from(height)?);
    let root = SVGBackend::new(path, size).into_drawing_area();
    root.fill(&WHITE)?;
    let right = bars.iter().flat_map(|bar| [bar.most, bar.goal]).fold(2.0, f64::max);
    let at = |times: f64| position(times, right);
    let text = |pos| ("sans-serif", 13).into_font().color(&BLACK).pos(pos);
    root.draw_text(
        &format!("{title}: times the floor (smallest and largest round; red: the goal)"),
        &("sans-serif", 16).into_font().color(&BLACK),
        (12, 12),
    )?;
    let mut tick = 1.0;
    while tick <= right {
        let line = [(at(tick), TOP - 6), (at(tick), height - BOTTOM)];
        root.draw(&PathElement::new(line, BLACK.mix(if tick == 1.0 { 0.8 } else { 0.2 })))?;
        let below = text(Pos::new(HPos::Center, VPos::Bottom));
        root.draw_text(&figure(tick), &below, (at(tick), TOP - 10))?;
        tick *= 2.0;
    }
    for (number, bar) in (0..).zip(&bars) {
        draw_bar(&root, bar, TOP + LINE * number, &at)?;
        let name = text(Pos::new(HPos::Right, VPos::Center));
        root.draw_text(bar.what, &name, (LEFT - 10, TOP + LINE * number + LINE / 2))?;
    }
    root.present()?;
    Ok(true)
}

fn draw_bar(
    root: &DrawingArea<SVGBackend<'_>, Shift>,
    bar: &Bar<'_>,
    top: i32,
    at: &impl Fn(f64) -> i32,
) -> anyhow::Result<()> {
    let middle = top + LINE / 2;
    let body = [(at(LEAST), top + 6), (at(bar.middle), top + LINE - 6)];
    root.draw(&Rectangle::new(body, BLUE_BAR.mix(0.5).filled()))?;
    let whisker = [(at(bar.least), middle), (at(bar.most), middle)];
    root.draw(&PathElement::new(whisker, BLUE_BAR.stroke_width(2)))?;
    let line = [(at(bar.goal), top + 2), (at(bar.goal), top + LINE - 2)];
    root.draw(&PathElement::new(line, RED.stroke_width(2)))?;
    Ok(())
}

/// The horizontal position of a value, on an axis that ends at `right`.
fn position(times: f64, right: f64) -> i32 {
    let share = (times.clamp(LEAST, right) / LEAST).ln() / (right / LEAST).ln();
    LEFT + (f64::from(WIDTH - LEFT - RIGHT) * share).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_is_logarithmic_and_nothing_leaves_it() {
        let (left, right) = (LEFT, WIDTH - RIGHT);
        assert_eq!([position(0.1, 8.0), position(0.5, 8.0)], [left, left]);
        assert_eq!([position(8.0, 8.0), position(80.0, 8.0)], [right, right]);
        assert_eq!(position(2.0, 8.0), (left + right) / 2);
    }
}
