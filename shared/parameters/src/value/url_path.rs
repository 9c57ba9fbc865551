//! URL paths (RFC 3986 §3.3), at the origin.

/// The maximum length of CloudFront's `OriginPath`.
pub(crate) const MOST: usize = 255;

/// The first character that RFC 3986 §3.3 doesn't allow in a path; a `%` must be followed by two hexadecimal digits.
pub(crate) fn odd_character(path: &str) -> Option<char> {
    path.char_indices().find_map(|(at, c)| {
        let allowed = match c {
            '%' => path
                .as_bytes()
                .get(at + 1..at + 3)
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
            _ => c.is_ascii_alphanumeric() || "/-._~!$&'()*+,;=:@".contains(c),
        };
        (!allowed).then_some(c)
    })
}

/// The path of a page at the origin.
pub(crate) fn is_page(path: &str) -> bool {
    path.len() > 1 && path.len() <= MOST && path.starts_with('/') && odd_character(path).is_none()
}
