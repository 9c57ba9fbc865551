//! How foreign text is shown: nothing in it can steer the terminal, and it is short.

/// As much of a foreign text as is shown, in characters.
const LONGEST: usize = 100;

/// Control and other invisible characters become `?`; what is too long is cut.
pub(crate) fn plain(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(LONGEST)
        // Directional marks and the like are no control characters, but reorder a terminal's line.
        .map(|c| {
            if c.is_ascii_graphic() || c == ' ' || c.is_alphanumeric() {
                c
            } else {
                '?'
            }
        })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
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
