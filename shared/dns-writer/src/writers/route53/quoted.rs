//! TXT values in presentation form (RFC 1035 §5.1), as Route 53 takes and gives them.

/// The value as one string.
pub(super) fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The value of a record that the broker may have written: one string of ASCII. Others have another form.
pub(super) fn value(presentation: &str) -> Option<String> {
    let inside = presentation.trim_matches(' ').strip_prefix('"')?.strip_suffix('"')?;
    let mut value = String::with_capacity(inside.len());
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return None,
            '\\' => value.push(characters.next().filter(|escaped| matches!(escaped, '"' | '\\'))?),
            character => value.push(character),
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(text in "[ -~]{0,40}") {
            prop_assert_eq!(value(&quoted(&text)), Some(text));
        }

        #[test]
        fn anything_can_be_read(text in ".{0,40}") {
            value(&text);
        }
    }

    #[test]
    fn what_the_broker_does_not_write_is_no_value() {
        for text in ["\"a\" \"b\"", "\"\\303\\244\"", "bare", "\"a", "\"", "\"a\\\"", ""] {
            assert_eq!(value(text), None, "{text}");
        }
        assert_eq!(value(" \"a b\" ").as_deref(), Some("a b"));
    }
}
