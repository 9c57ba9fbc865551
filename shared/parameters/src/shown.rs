//! How users' values are shown in texts: short, on one line, and harmless.

use pipeline::shown::harmless;
use serde_json::Value;

/// The maximum number of characters of a value that are shown.
const MOST: usize = 80;

/// A value in quotes: truncated after 80 characters, with control and invisible characters escaped.
pub fn shown(text: &str) -> String {
    let cut: String = text.chars().take(MOST).collect();
    let more = if text.chars().nth(MOST).is_some() { "…" } else { "" };
    // escape_debug would also escape an apostrophe, which is harmless between double quotes.
    format!("\"{}{more}\"", cut.escape_debug()).replace("\\'", "'")
}

/// Any JSON value; a string in quotes, anything else as JSON with its type.
pub fn shown_json(value: &Value) -> String {
    let (text, kind) = match value {
        Value::String(text) => return shown(text),
        Value::Null => return "null".to_string(),
        Value::Bool(_) => return value.to_string(),
        Value::Number(_) => (value.to_string(), "a number"),
        Value::Array(_) => (value.to_string(), "a list"),
        Value::Object(_) => (value.to_string(), "an object"),
    };
    format!("{} ({kind})", harmless(&text, MOST))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_short_and_harmless() {
        assert_eq!(shown("it's\n\u{1b}[31m"), r#""it's\n\u{1b}[31m""#);
        assert_eq!(shown("\u{202e}moc"), r#""\u{202e}moc""#);
        assert_eq!(shown(&"x".repeat(81)), format!("\"{}…\"", "x".repeat(80)));
        assert_eq!(shown_json(&json!({"a": [1]})), r#"{"a":[1]} (an object)"#);
        assert_eq!(shown_json(&json!(5)), "5 (a number)");
        assert!(shown_json(&json!(vec!["long"; 100])).chars().count() < 100);
    }
}
