//! How foreign text is shown: nothing in it can steer the terminal, and it is short.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// RFC 3339, to the second.
pub(crate) fn moment(moment: OffsetDateTime) -> String {
    moment.truncate_to_second().format(&Rfc3339).unwrap_or_default()
}

/// As much of a foreign text as is shown, in characters.
const LONGEST: usize = 100;

/// Control and other invisible characters become `?`.
pub(crate) fn clean(text: &str) -> String {
    // Directional marks and the like are no control characters, but reorder a terminal's line.
    let visible = |c: char| c.is_ascii_graphic() || c == ' ' || c.is_alphanumeric();
    text.chars().map(|c| if visible(c) { c } else { '?' }).collect()
}

/// The same, and what is too long is cut.
pub(crate) fn plain(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => clean(&text[..end]) + "…",
        None => clean(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_foreign_text_steers_the_terminal() {
        assert_eq!(plain("a\x1b[31m\r\n\u{202e}é"), "a?[31m???é");
        assert_eq!(plain(&"x".repeat(101)).chars().count(), LONGEST + 1);
    }
}
