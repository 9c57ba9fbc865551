//! What is asked by itself or by requests, with 10,000 and 100,000 instances stored and two years of renewals behind
//! them, beside the same with 1,000.

mod database;
mod question;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use async_trait::async_trait;

use crate::comparison::{Comparison, Goal};
use crate::form::Form;
use crate::row::Row;
use crate::run::say;
use crate::site::{Settings, Site};
use crate::spread::{Spread, millis};
use database::Estate;
use question::Question;

/// The first is the floor.
const LONG: &[i32] = &[1_000, 10_000, 100_000];
const SHORT: &[i32] = &[1_000, 10_000];
/// PostgreSQL plans a prepared statement anew five times, and keeps a plan from then on if that is no worse.
const PLANNED: usize = 6;
/// In a round a question is asked so often at least …
const LEAST: usize = 3;
/// … and so often at most …
const MOST: usize = 100;
/// … unless that took longer than this.
const ENOUGH: Duration = Duration::from_millis(500);
/// By so much a short question differs from one time to the next.
const NOISE_MS: f64 = 0.05;

/// See the file.
pub(crate) struct StoredInstances;

#[async_trait(?Send)]
impl Row for StoredInstances {
    fn name(&self) -> &'static str {
        "stored"
    }

    fn settings(&self) -> Settings {
        Settings::Default
    }

    async fn measure(&self, site: &Site, form: &Form) -> anyhow::Result<Vec<Comparison>> {
        let counts = form.pick(LONG, SHORT);
        let comparisons = measured(site, form, counts).await;
        for count in counts {
            database::remove(site, *count).await?;
        }
        comparisons
    }
}

async fn measured(site: &Site, form: &Form, counts: &[i32]) -> anyhow::Result<Vec<Comparison>> {
    let mut estates = Vec::new();
    for count in counts {
        say(&format!("storing {count} instances with two years behind them"));
        estates.push(Estate::make(site, *count).await?);
    }
    database::write_all(site).await?;
    let mut comparisons = Vec::new();
    for question in Question::ALL {
        say(&format!("asking: {}", question.name()));
        let asked = compared(question, &estates, form.pick(3, 2)).await;
        comparisons.extend(asked.with_context(|| question.name())?);
    }
    Ok(comparisons)
}

/// The question to each estate in turns; each second round the largest goes first.
async fn compared(question: Question, estates: &[Estate], rounds: usize) -> anyhow::Result<Vec<Comparison>> {
    for estate in estates {
        for nth in 0..PLANNED {
            question.ask(estate, nth).await?;
        }
    }
    let mut times = vec![Vec::new(); estates.len()];
    for round in 0..rounds {
        let mut turns: Vec<_> = times.iter_mut().zip(estates).collect();
        if round % 2 == 1 {
            turns.reverse();
        }
        for (times, estate) in turns {
            times.push(time(question, estate).await?);
        }
    }
    let mut figures = Vec::new();
    for (times, estate) in times.into_iter().zip(estates) {
        figures.push((estate.count, Spread::of(times)?));
    }
    let (floor, others) = figures.split_first().context("no estate")?;
    let goal = if question.may_grow() { Goal::None } else { goal(floor.1) };
    let line = |(count, figure): &(i32, Spread)| {
        let what = format!("{}, {count} instances (ms)", question.name());
        Comparison::new(what, floor.1, *figure, goal)
    };
    Ok(others.iter().map(line).collect())
}

/// The middle of its times in one round, in milliseconds.
async fn time(question: Question, estate: &Estate) -> anyhow::Result<f64> {
    // The others were asked meanwhile: what is read is in memory again.
    question.ask(estate, 0).await?;
    let began = Instant::now();
    let mut took = Vec::new();
    while took.len() < LEAST || (took.len() < MOST && began.elapsed() < ENOUGH) {
        let asked = Instant::now();
        question.ask(estate, took.len()).await?;
        took.push(millis(asked.elapsed()));
    }
    Ok(Spread::of(took)?.median)
}

/// 1.1 times the floor; of a short one the noise is no miss.
fn goal(floor: Spread) -> Goal {
    if floor.median < 0.5 {
        Goal::Plus(floor.median * 0.1 + NOISE_MS)
    } else {
        Goal::Times(1.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noise_of_a_short_question_is_no_miss() {
        assert_eq!(goal(Spread::once(0.5)), Goal::Times(1.1));
        let verdict =
            |here| Comparison::new("", Spread::once(0.2), Spread::once(here), goal(Spread::once(0.2))).reached();
        assert_eq!((verdict(0.26), verdict(0.28)), (Some(true), Some(false)));
    }
}
