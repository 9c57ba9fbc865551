//! The small change of texts: capitals, lists, times.

use std::fmt::Write as _;

use time::macros::format_description;
use time::{Duration, OffsetDateTime, UtcOffset};

/// A platform polls again, and its user reads the text, up to this much later (`patience`): a moment that is nearer has
/// passed by then, so it is not shown.
const NEAR: Duration = Duration::minutes(8);

/// Capitalizes the first letter, as at the beginning of a sentence.
pub(crate) fn capitalized(words: &str) -> String {
    let mut chars = words.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Names up to a total length, then a count.
pub(crate) fn list(names: &[&str], most_bytes: usize) -> String {
    let mut text = String::new();
    for (at, name) in names.iter().enumerate() {
        if text.len() + name.len() > most_bytes {
            let _ = write!(text, " and {} more", names.len() - at);
            return text;
        }
        if at > 0 {
            text.push_str(", ");
        }
        text.push_str(name);
    }
    text
}

/// The time of day, and the date when it is not today.
pub(crate) fn clock(time: OffsetDateTime, now: OffsetDateTime) -> String {
    let (utc, now) = (time.to_offset(UtcOffset::UTC), now.to_offset(UtcOffset::UTC));
    if utc.date() != now.date() {
        return moment(time);
    }
    utc.format(format_description!("[hour]:[minute]:[second] UTC"))
        .unwrap_or_default()
}

/// A moment in the future, if it will not have passed when it is read.
pub(super) fn later(time: OffsetDateTime, now: OffsetDateTime) -> Option<String> {
    (time - now > NEAR).then(|| clock(time, now))
}

/// A date and time of day, for texts that may be read later.
pub fn moment(time: OffsetDateTime) -> String {
    time.to_offset(UtcOffset::UTC)
        .format(format_description!("[year]-[month]-[day] [hour]:[minute] UTC"))
        .unwrap_or_default()
}
