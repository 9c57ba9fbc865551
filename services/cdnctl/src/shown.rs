//! Output formatting: text from outside can't control the terminal, and times are written for people.

use pipeline::shown::harmless;
pub(crate) use pipeline::shown::lasting as span;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Stands for an absent value.
pub(crate) const NONE: &str = "-";

/// RFC 3339, to the second.
pub(crate) fn moment(moment: OffsetDateTime) -> String {
    moment.truncate_to_second().format(&Rfc3339).unwrap_or_default()
}

/// The same for an optional time.
pub(crate) fn moment_or_none(at: Option<OffsetDateTime>) -> String {
    at.map_or_else(none, moment)
}

/// An absent value.
pub(crate) fn none() -> String {
    NONE.to_owned()
}

/// The first name, and the number of further ones.
pub(crate) fn names(names: &[String]) -> String {
    match names {
        [] => none(),
        [only] => clean(only),
        [first, more @ ..] => format!("{} +{}", clean(first), more.len()),
    }
}

/// The most characters of text from outside that are shown.
const LONGEST: usize = 100;

/// Text from outside, in full.
pub(crate) fn clean(text: &str) -> String {
    harmless(text, usize::MAX)
}

/// Text from outside, cut if it is too long.
pub(crate) fn plain(text: &str) -> String {
    harmless(text, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_foreign_text_steers_the_terminal() {
        assert_eq!(plain("a\x1b[31m\r\n\u{202e}é"), "a\\u{1b}[31m\\r\\n\\u{202e}é");
        assert_eq!(plain(&"x".repeat(101)).chars().count(), LONGEST + 1);
    }
}
