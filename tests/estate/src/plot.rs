//! A chart of the remaining lifetimes over the year: minimum, maximum and median.

use std::path::Path;

use plotters::prelude::*;

use crate::course::Wish;
use crate::sampler::Samples;

/// Draws.
pub(crate) fn draw(path: &Path, wish: &Wish, samples: &Samples, outage: (f64, f64)) -> anyhow::Result<()> {
    let days = |seconds| wish.days(seconds);
    let life = days(wish.life.as_secs_f64());
    let year = days(wish.lasts().as_secs_f64());
    let samples = samples.all();
    let at_share = |share: f64| -> Vec<(f64, f64)> {
        samples
            .iter()
            .filter(|one| !one.left.is_empty())
            .map(|one| {
                let index = ((one.left.len() - 1) as f64 * share).round() as usize;
                (days(one.at.as_secs_f64()), days(one.left[index]))
            })
            .collect()
    };
    let (least, tenth, middle, ninetieth, most) = (
        at_share(0.0),
        at_share(0.1),
        at_share(0.5),
        at_share(0.9),
        at_share(1.0),
    );
    let between = |lower: &[(f64, f64)], upper: &[(f64, f64)]| -> Vec<(f64, f64)> {
        lower.iter().copied().chain(upper.iter().rev().copied()).collect()
    };
    let root = SVGBackend::new(path, (1000, 420)).into_drawing_area();
    root.fill(&WHITE)?;
    let title = format!("What {} certificates in use had left", wish.instances);
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(50)
        .build_cartesian_2d(0.0..year, 0.0..life * 1.02)?;
    chart
        .configure_mesh()
        .x_desc("day of the simulated year")
        .y_desc("days left")
        .light_line_style(TRANSPARENT)
        .draw()?;
    let (from, until) = (days(outage.0), days(outage.1));
    chart
        .draw_series([Rectangle::new(
            [(from, 0.0), (until, life * 1.02)],
            RED.mix(0.15).filled(),
        )])?
        .label("the CA is away")
        .legend(|(x, y)| Rectangle::new([(x, y - 5), (x + 16, y + 5)], RED.mix(0.15).filled()));
    let blue = RGBColor(40, 90, 160);
    chart
        .draw_series([Polygon::new(between(&least, &most), blue.mix(0.15))])?
        .label("all")
        .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 16, y + 5)], blue.mix(0.15).filled()));
    chart
        .draw_series([Polygon::new(between(&tenth, &ninetieth), blue.mix(0.3))])?
        .label("eight of ten")
        .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 16, y + 5)], blue.mix(0.45).filled()));
    chart
        .draw_series(LineSeries::new(middle, blue.stroke_width(2)))?
        .label("the middle")
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], blue.stroke_width(2)));
    chart
        .draw_series(LineSeries::new(least, RED.stroke_width(2)))?
        .label("the shortest")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], RED.stroke_width(2)));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    root.present()?;
    Ok(())
}
