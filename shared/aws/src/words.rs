//! AWS' own words, fit for a user to read.

/// No text is shown longer, in characters.
const MOST_SHOWN: usize = 200;

/// Cut, and with whatever could steer a terminal or hide in it escaped.
pub fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (at, c) in text.trim().chars().enumerate() {
        match c {
            _ if at == MOST_SHOWN => {
                shown.push('…');
                break;
            }
            // Harmless; the message comes with its control characters escaped already.
            '\'' | '"' | '\\' => shown.push(c),
            other => shown.extend(other.escape_debug()),
        }
    }
    shown
}

/// Without the numbers of AWS accounts (12 digits): the operator's is no business of a user.
pub(crate) fn without_accounts(message: &str) -> String {
    message
        .split_inclusive(|c: char| !c.is_ascii_digit())
        .map(|part| {
            let digits = part.trim_end_matches(|c: char| !c.is_ascii_digit());
            match digits.len() {
                12 => part.replacen(digits, "…", 1),
                _ => part.to_string(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_left_out_and_other_numbers_are_not() {
        assert_eq!(
            without_accounts("arn:aws:iam::123456789012:x 255"),
            "arn:aws:iam::…:x 255"
        );
        assert_eq!(
            without_accounts("1234567890123, 12, 210987654321"),
            "1234567890123, 12, …"
        );
    }
}
