//! Output formatting: text from outside can't control the terminal, and times are written for people.

use pipeline::shown::harmless;
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

/// A duration in its two largest units, with a minus if negative.
pub(crate) fn span(span: time::Duration) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let sign = if span.whole_seconds() < 0 { "-" } else { "" };
    let mut rest = span.whole_seconds().abs();
    let Some(first) = UNITS.iter().position(|(seconds, _)| rest >= *seconds) else {
        return "0 s".to_owned();
    };
    let mut parts = Vec::new();
    for (seconds, unit) in UNITS.iter().skip(first).take(2) {
        let count = rest / seconds;
        rest %= seconds;
        if count > 0 {
            parts.push(format!("{count} {unit}"));
        }
    }
    format!("{sign}{}", parts.join(" "))
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

    #[test]
    fn spans_have_two_units_at_most() {
        for (seconds, told) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3725, "1 h 2 min"),
            (86_400, "1 d"),
            (90_061, "1 d 1 h"),
            (-90_061, "-1 d 1 h"),
        ] {
            assert_eq!(span(time::Duration::seconds(seconds)), told);
        }
    }
}
