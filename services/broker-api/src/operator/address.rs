//! Addresses on the operator's page.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Encoded in a path and in a query: all but the unreserved characters (RFC 3986 §2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An instance's page.
pub(super) fn instance(id: &str) -> String {
    format!("/instances/{}", utf8_percent_encode(id, ENCODED))
}

/// A path with a query.
pub(super) fn with(path: &str, query: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = query
        .iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ENCODED)))
        .collect();
    match pairs.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{}", pairs.join("&")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_place_in_an_address() {
        assert_eq!(instance("a/../b c?#ü"), "/instances/a%2F..%2Fb%20c%3F%23%C3%BC");
        assert_eq!(
            with("/search", &[("q", "a&b=c d"), ("by", "domain")]),
            "/search?q=a%26b%3Dc%20d&by=domain"
        );
        assert_eq!(with("/", &[]), "/");
    }
}
