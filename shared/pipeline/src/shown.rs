//! How external text is shown to a user: escaped and short, whatever its content.

use std::time::Duration;

/// The maximum length of an external text that a user is shown.
const LONGEST: usize = 100;

/// An external value in double quotes: characters other than printable ASCII are escaped, an overlong value is
/// truncated.
pub fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", plain(bytes))
}

/// An external value without quotes, otherwise like [`quoted`].
pub fn plain(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        let piece = match byte {
            b'"' => "\\\"".to_owned(),
            b'\'' => "'".to_owned(),
            other => other.escape_ascii().to_string(),
        };
        if text.len() + piece.len() > LONGEST {
            text.push('…');
            break;
        }
        text.push_str(&piece);
    }
    text
}

/// An external text on one line, safe for logs, terminals and users: truncated after this many characters; everything
/// that could control a terminal, reverse the direction of text or hide in it is escaped. The only place where that is
/// decided.
pub fn harmless(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for (at, c) in text.chars().enumerate() {
        match c {
            _ if at == most => {
                shown.push('…');
                break;
            }
            '\'' | '"' | '\\' => shown.push(c),
            other => shown.extend(other.escape_debug()),
        }
    }
    shown
}

/// A text that a platform can store: characters beyond the basic plane (emoji), which MySQL's 3-byte utf8 refuses, are
/// replaced. Cloud Controller's tables may use that character set.
pub fn basic(text: &str) -> String {
    let replaced = |c: char| if c > '\u{ffff}' { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(replaced).collect()
}

/// The maximum number of distinct items that are listed.
const MOST_LISTED: usize = 3;

/// Each of several texts once, up to a maximum number.
pub fn few(texts: impl Iterator<Item = String>) -> String {
    let mut listed: Vec<String> = Vec::new();
    for text in texts {
        if !listed.contains(&text) {
            listed.push(text);
        }
    }
    let more = listed.len().saturating_sub(MOST_LISTED);
    listed.truncate(MOST_LISTED);
    match more {
        0 => listed.join(", "),
        more => format!("{} and {more} more", listed.join(", ")),
    }
}

/// A time limit: `5 s`, `250 ms`.
pub fn span(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    if milliseconds.is_multiple_of(1000) {
        format!("{} s", milliseconds / 1000)
    } else {
        format!("{milliseconds} ms")
    }
}

/// How long something lasts, in its two largest units, with a minus if negative.
pub fn lasting(span: time::Duration) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_bytes_are_escaped_and_cut() {
        assert_eq!(quoted(b"abc"), "\"abc\"");
        assert_eq!(quoted(b"it's"), "\"it's\"");
        assert_eq!(quoted(b"a\"b\\\x1b[31m\n"), r#""a\"b\\\x1b[31m\n""#);
        assert_eq!(quoted("é".as_bytes()), r#""\xc3\xa9""#);
        let long = quoted(&[b'x'; 500]);
        assert!(long.len() <= LONGEST + 5 && long.ends_with("…\""), "{long}");
        assert!(quoted(&[0; 500]).chars().count() <= LONGEST + 3);
    }

    #[test]
    fn no_foreign_text_steers_a_terminal_or_hides_in_it() {
        assert_eq!(harmless("a\u{1b}[2Jb\nc\r", 99), "a\\u{1b}[2Jb\\nc\\r");
        assert_eq!(harmless("it's \"é\" \\ 東京", 99), "it's \"é\" \\ 東京");
        for hides in [
            '\u{ad}',
            '\u{61c}',
            '\u{180e}',
            '\u{200b}',
            '\u{200f}',
            '\u{2028}',
            '\u{202e}',
            '\u{2066}',
            '\u{feff}',
            '\u{fff9}',
            '\u{e0041}',
        ] {
            assert_eq!(
                harmless(&format!("a{hides}b"), 99),
                format!("a\\u{{{:x}}}b", u32::from(hides))
            );
        }
        assert_eq!(harmless(&"x".repeat(200), 100), "x".repeat(100) + "…");
    }

    #[test]
    fn what_a_three_byte_database_refuses_is_replaced() {
        assert_eq!(basic("Zürich … 🎉."), "Zürich … \u{fffd}.");
    }

    #[test]
    fn of_many_a_few_are_listed() {
        let few = |texts: &[&str]| few(texts.iter().map(|&text| text.to_owned()));
        assert_eq!(few(&["a", "b", "a", "c"]), "a, b, c");
        assert_eq!(few(&["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }

    #[test]
    fn limits_are_short() {
        assert_eq!(span(Duration::from_secs(5)), "5 s");
        assert_eq!(span(Duration::from_millis(250)), "250 ms");
    }

    #[test]
    fn what_lasts_has_two_units_at_most() {
        for (seconds, told) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3725, "1 h 2 min"),
            (86_400, "1 d"),
            (90_061, "1 d 1 h"),
            (-90_061, "-1 d 1 h"),
        ] {
            assert_eq!(lasting(time::Duration::seconds(seconds)), told);
        }
    }
}
