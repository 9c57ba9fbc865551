//! How things from outside are shown to a user: escaped and short, whatever they were.

/// As much of a foreign text as a user gets to see.
const LONGEST: usize = 100;

/// A foreign value in double quotes: what is not printable ASCII is escaped, what is too long is cut.
pub fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", plain(bytes))
}

/// A foreign value without quotes, otherwise as [`quoted`].
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

/// A text that a platform can store: characters beyond the basic plane (emoji), which MySQL's 3-byte utf8 refuses, are replaced. Cloud
/// Controller's tables may be of that character set.
pub fn basic(text: &str) -> String {
    let replaced = |c: char| if c > '\u{ffff}' { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().map(replaced).collect()
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
    fn what_a_three_byte_database_refuses_is_replaced() {
        assert_eq!(basic("Zürich … 🎉."), "Zürich … \u{fffd}.");
    }
}
