//! The values of TXT records: one or more strings in quotation marks, of 255 characters at most each (Developer Guide,
//! "TXT record type").

const LONGEST_STRING: usize = 255;

/// What is wrong with a value.
pub fn fault(value: &str) -> Option<String> {
    let told = |code: &str, why: &str| {
        Some(format!(
            "Invalid Resource Record: 'FATAL problem: {code} ({why}) encountered with '{value}''"
        ))
    };
    match strings(value) {
        None => told("InvalidCharacterString", "Value should be enclosed in quotation marks"),
        Some(strings) if strings.iter().any(|&length| length > LONGEST_STRING) => {
            told("CharacterStringTooLong", "Value is too long")
        }
        Some(_) => None,
    }
}

/// The lengths of the strings, in bytes, if it consists of strings only.
fn strings(value: &str) -> Option<Vec<usize>> {
    let mut rest = value.trim_matches(' ');
    let mut lengths = Vec::new();
    while !rest.is_empty() {
        rest = rest.strip_prefix('"')?;
        let mut length = 0;
        loop {
            let mut characters = rest.chars();
            match characters.next()? {
                '"' => break rest = characters.as_str(),
                '\\' => rest = after_escape(characters.as_str())?,
                _ => rest = characters.as_str(),
            }
            length += 1;
        }
        lengths.push(length);
        let next = rest.trim_start_matches(' ');
        if !next.is_empty() && next.len() == rest.len() {
            return None;
        }
        rest = next;
    }
    (!lengths.is_empty()).then_some(lengths)
}

/// What follows an escaped character: itself, or three octal digits.
fn after_escape(text: &str) -> Option<&str> {
    let octal = text
        .get(..3)
        .filter(|code| code.bytes().all(|byte| (b'0'..=b'7').contains(&byte)));
    if octal.is_some() {
        return text.get(3..);
    }
    let mut characters = text.chars();
    characters.next()?;
    Some(characters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_in_quotation_marks_and_short() {
        let longest = format!("\"{}\"", "x".repeat(LONGEST_STRING));
        for value in [
            "\"a\"",
            "\"a\" \"b\"",
            "\"a\\\"b\\\\\"",
            "\"\\303\\244\"",
            "\"\"",
            &longest,
        ] {
            assert_eq!(fault(value), None, "{value}");
        }
        for value in ["a", "", "\"a", "\"a\"b", "\"a\"\"b\"", "\"a\\\"", "a\"b\""] {
            assert!(fault(value).unwrap().contains("enclosed in quotation marks"), "{value}");
        }
        let too_long = format!("\"a\" \"{}\"", "x".repeat(LONGEST_STRING + 1));
        assert!(fault(&too_long).unwrap().contains("CharacterStringTooLong"));
    }
}
