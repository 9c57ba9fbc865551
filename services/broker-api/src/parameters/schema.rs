//! The JSON schemas of `parameters` that the catalog has, for user interfaces. The parser is stricter where a schema has no
//! words for it, and says what is wrong.

use serde_json::{Value, json};

use super::merge::LOOK_AGAIN;
use super::written::SCHEMA;

/// For a new instance.
pub(crate) fn create(default_origin: Option<&str>) -> Value {
    let mut schema = SCHEMA.clone();
    schema["anyOf"] = json!([{"required": ["domains"]}, {"required": ["domain"]}]);
    match default_origin {
        Some(origin) => schema["properties"]["origin"]["default"] = origin.into(),
        None => schema["required"] = json!(["origin"]),
    }
    schema
}

/// For an update: whatever is left out stays as it is.
pub(crate) fn update() -> Value {
    let mut schema = SCHEMA.clone();
    let description = "Whatever it is: the distribution is looked at again, even if nothing else is asked for";
    schema["properties"][LOOK_AGAIN] = json!({ "description": description });
    schema
}
