//! The JSON schemas of `parameters` in the catalog, for user interfaces. The parser is stricter where a schema can't
//! express a rule, and reports what is wrong.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::registry;
use crate::update::LOOK_AGAIN;

/// For all keys: draft 4, the version that Cloud Controller accepts, without references.
static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let mut settings = SchemaSettings::draft07();
    settings.inline_subschemas = true;
    let mut generator = settings.into_generator();
    let properties = registry::keys().map(|key| (key.name.to_owned(), key.schema(&mut generator).to_value()));
    json!({
        "$schema": "http://json-schema.org/draft-04/schema#",
        "title": "Parameters",
        "description": "What a user can set; null is the default",
        "type": "object",
        "properties": properties.collect::<Map<_, _>>(),
        "additionalProperties": false,
    })
});

/// For a new instance.
pub fn create(default_origin: Option<&str>) -> Value {
    let mut schema = SCHEMA.clone();
    schema["anyOf"] = json!([{"required": ["domains"]}, {"required": ["domain"]}]);
    match default_origin {
        Some(origin) => schema["properties"]["origin"]["default"] = origin.into(),
        None => schema["required"] = json!(["origin"]),
    }
    schema
}

/// For an update: what is left out stays unchanged.
pub fn update() -> Value {
    let mut schema = SCHEMA.clone();
    let description = "Any value: the distribution is checked again, even if nothing else is asked for";
    schema["properties"][LOOK_AGAIN] = json!({ "description": description });
    schema
}
