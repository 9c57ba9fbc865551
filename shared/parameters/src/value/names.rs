//! Lists of names, as users write them: a JSON list, or one string with commas.

use schemars::{Schema, json_schema};
use serde_json::Value;

use crate::shown_json;

/// The names, trimmed; an empty string or list means no names. `right` is a valid example for the error text. Only
/// ordinary blanks are trimmed: any other white space was entered unseen, and is reported.
pub(crate) fn parse(value: &Value, right: &str) -> Result<Vec<String>, String> {
    each(value, right)?.into_iter().collect()
}

/// The same for each name separately: the name, or what is wrong with it.
pub(crate) fn each(value: &Value, right: &str) -> Result<Vec<Result<String, String>>, String> {
    let wrong = |value: &Value, what: &str| format!("{} {what}; write {right}", shown_json(value));
    let named = |name: &str| match name.trim_ascii() {
        "" => Err(wrong(value, "has an empty entry")),
        name => Ok(name.to_string()),
    };
    Ok(match value {
        Value::String(text) if text.trim_ascii().is_empty() => Vec::new(),
        Value::String(text) => text.split(',').map(named).collect(),
        Value::Array(items) => items
            .iter()
            .map(|item| match item {
                Value::String(name) if name.contains(',') => {
                    Err(wrong(item, "in a list has a comma; make it several entries"))
                }
                Value::String(name) => named(name),
                other => Err(wrong(other, "in the list is not a string")),
            })
            .collect(),
        other => return Err(wrong(other, "is neither a list nor a string with commas")),
    })
}

/// The schema of what [`parse`] accepts, with at most this many names in a list.
pub(crate) fn schema(most: usize) -> Schema {
    json_schema!({"anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string", "pattern": "^[^,]+$"}, "maxItems": most},
    ]})
}

/// RFC 9110 §5.6.2 (RFC 7230 §3.2.6) `token`: the syntax of header and cookie names.
pub(crate) fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// The first name that occurs twice.
pub(crate) fn duplicate(sorted: &[String]) -> Option<&str> {
    sorted
        .windows(2)
        .find(|pair| pair[0] == pair[1])
        .map(|pair| pair[0].as_str())
}
