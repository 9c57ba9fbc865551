//! AWS' own messages, fit for a user to read.

use pipeline::shown::harmless;

/// The maximum length of a message that is shown, in characters.
const MOST_SHOWN: usize = 200;

/// Makes a text fit for a user to read.
pub fn shown(text: &str) -> String {
    harmless(text.trim(), MOST_SHOWN)
}

/// Removes AWS account numbers (12 digits): a user has no business with the operator's.
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
