//! Output formatting: text from outside can't control the terminal, and times are written for people.

use pipeline::shown::harmless;
pub(crate) use pipeline::shown::lasting as span;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Stands for an absent value.
pub(crate) const NONE: &str = "-";

/// RFC 3339, to the second.
pub(crate) fn moment(moment: OffsetDateTime) -> String {
    moment.truncate_to_second().format(&Rfc3339).unwrap_or_default()
}

/// The same for an optional time.
pub(crate) fn moment_or_none(at: Option<OffsetDateTime>) -> String {
    at.map_or_else(none, moment)
}

/// An absent value.
pub(crate) fn none() -> String {
    NONE.to_owned()
}

/// The first name, and the number of further ones.
pub(crate) fn names(names: &[String]) -> String {
    match names {
        [] => none(),
        [only] => clean(only),
        [first, more @ ..] => format!("{} +{}", clean(first), more.len()),
    }
}

/// The most characters of text from outside that are shown.
const LONGEST: usize = 100;

/// Text from outside, in full.
pub(crate) fn clean(text: &str) -> String {
    harmless(text, usize::MAX)
}

/// Text from outside, cut if it is too long.
pub(crate) fn plain(text: &str) -> String {
    harmless(text, LONGEST)
}

/// The members of an object in one line, without empty ones.
pub(crate) fn pairs(object: &Value) -> String {
    let empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
        _ => false,
    };
    let told = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let all = object.as_object().into_iter().flatten();
    let set = all.filter(|(_, value)| !empty(value));
    let parts: Vec<String> = set.map(|(name, value)| format!("{name}={}", told(value))).collect();
    clean(&parts.join("  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_set_is_told() {
        let object = serde_json::json!({"a": "b\n", "c": 1, "d": null, "e": false, "f": [], "g": ["h"]});
        assert_eq!(pairs(&object), "a=b\\n  c=1  g=[\"h\"]");
    }

    #[test]
    fn no_foreign_text_steers_the_terminal() {
        assert_eq!(plain("a\x1b[31m\r\n\u{202e}é"), "a\\u{1b}[31m\\r\\n\\u{202e}é");
        assert_eq!(plain(&"x".repeat(101)).chars().count(), LONGEST + 1);
    }
}
