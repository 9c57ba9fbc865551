//! The operator's pages as HTML; the templates escape everything.

mod audit;
mod confirm;
mod instance;
mod listing;
mod overview;

#[cfg(test)]
pub(super) mod examples;
#[cfg(test)]
mod tests;

use pipeline::shown::harmless;
use pipeline::status::moment;
use time::OffsetDateTime;

pub(super) use self::audit::audit;
pub(super) use self::confirm::confirm;
pub(super) use self::instance::instance;
pub(super) use self::listing::{listing, search};
pub(super) use self::overview::overview;
use crate::page::assets;

/// The most characters of a text from outside.
const LONGEST: usize = 500;
/// Stands for what there is not.
const NONE: &str = "none";

/// What every page begins with.
struct Head<'v> {
    title: String,
    stylesheet: String,
    /// The person who asks.
    who: &'v str,
    /// What was searched.
    sought: &'v str,
}

impl<'v> Head<'v> {
    fn new(title: impl Into<String>, who: &'v str) -> Self {
        Self {
            title: title.into(),
            stylesheet: assets::stylesheet(),
            who,
            sought: "",
        }
    }
}

/// A text from outside, on one line.
fn clean(text: &str) -> String {
    harmless(text, LONGEST)
}

fn clean_or_none(text: Option<&str>) -> String {
    text.map_or_else(|| NONE.to_owned(), clean)
}

fn moment_or_none(at: Option<OffsetDateTime>) -> String {
    at.map_or_else(|| NONE.to_owned(), moment)
}

/// The first few names, and the number of the others.
fn names(all: &[String]) -> String {
    const MOST: usize = 3;
    let first: Vec<String> = all.iter().take(MOST).map(|name| clean(name)).collect();
    match all.len() {
        0 => NONE.to_owned(),
        count if count > MOST => format!("{} and {} more", first.join(", "), count - MOST),
        _ => first.join(", "),
    }
}
