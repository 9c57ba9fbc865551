//! Texts in presentation form (RFC 1035 §5.1).

/// The most bytes of one character string (RFC 1035 §3.3).
const LONGEST: usize = 255;

/// A value as character strings, each escaped and without its quotes.
pub(super) fn strings(value: &str, escape: fn(u8) -> String) -> Vec<String> {
    let string = |bytes: &[u8]| -> String { bytes.iter().map(|byte| in_quotes(*byte, escape)).collect() };
    match value.as_bytes() {
        [] => vec![String::new()],
        bytes => bytes.chunks(LONGEST).map(string).collect(),
    }
}

/// The same in quotes, one after the other.
pub(super) fn quoted(value: &str, escape: fn(u8) -> String) -> String {
    let each: Vec<String> = strings(value, escape)
        .iter()
        .map(|string| format!("\"{string}\""))
        .collect();
    each.join(" ")
}

/// A name, escaped, without a trailing dot.
pub(super) fn name(name: &str, escape: fn(u8) -> String) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'*');
    name.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => escape(byte),
        })
        .collect()
}

/// As servers read it.
pub(super) fn decimal(byte: u8) -> String {
    format!("\\{byte:03}")
}

/// As Route 53 reads it.
pub(super) fn octal(byte: u8) -> String {
    format!("\\{byte:03o}")
}

fn in_quotes(byte: u8, escape: fn(u8) -> String) -> String {
    match byte {
        b'"' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        other => escape(other),
    }
}
