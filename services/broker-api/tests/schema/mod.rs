//! The catalog's answer as a JSON schema, after the tables of OSBAPI 2.17 ("Catalog Management") and of profile.md
//! ("Service Metadata"); and as much of a checker as it needs.

use serde_json::{Value, json};

/// Additional properties are refused, so that nothing is served by accident, except in `metadata`.
pub(crate) fn catalog() -> Value {
    let text = json!({"type": "string", "minLength": 1});
    let texts = json!({"type": "array", "items": text});
    let flag = json!({"type": "boolean"});
    let parameters = json!({"type": "object", "required": ["$schema", "type"], "properties": {"$schema": text}});
    let input = json!({"type": "object", "closed": true, "properties": {"parameters": parameters}});
    let plan = json!({
        "type": "object",
        "required": ["id", "name", "description"],
        "closed": true,
        "properties": {
            "id": text,
            "name": text,
            "description": text,
            "metadata": {"type": "object", "properties": {
                "displayName": text,
                "bullets": texts,
                "costs": {"type": "array", "items": {
                    "type": "object", "closed": true, "required": ["amount", "unit"],
                    "properties": {"amount": {"type": "object"}, "unit": text},
                }},
            }},
            "free": flag,
            "bindable": flag,
            "plan_updateable": flag,
            "schemas": {"type": "object", "closed": true, "properties": {
                "service_instance": {"type": "object", "closed": true, "properties": {"create": input, "update": input}},
            }},
            "maximum_polling_duration": {"type": "integer"},
            "maintenance_info": {
                "type": "object", "closed": true, "required": ["version"],
                "properties": {"version": text, "description": text},
            },
        },
    });
    let service = json!({
        "type": "object",
        "required": ["name", "id", "description", "bindable", "plans"],
        "closed": true,
        "properties": {
            "name": text,
            "id": text,
            "description": text,
            "tags": texts,
            "requires": texts,
            "bindable": flag,
            "instances_retrievable": flag,
            "bindings_retrievable": flag,
            "allow_context_updates": flag,
            "metadata": {"type": "object", "properties": {
                "displayName": text,
                "imageUrl": text,
                "longDescription": text,
                "providerDisplayName": text,
                "documentationUrl": text,
                "supportUrl": text,
                "shareable": flag,
            }},
            "plan_updateable": flag,
            "plans": {"type": "array", "minItems": 1, "items": plan},
        },
    });
    json!({
        "type": "object", "closed": true, "required": ["services"],
        "properties": {"services": {"type": "array", "items": service}},
    })
}

/// Panics with the place where the value is not as the schema says. `closed` is short for `additionalProperties: false`.
pub(crate) fn check(schema: &Value, value: &Value, at: &str) {
    let right = match schema["type"].as_str().unwrap() {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the schema has a type {other}"),
    };
    assert!(right, "{at}: {value} is no {}", schema["type"]);
    if let (Some(text), Some(least)) = (value.as_str(), schema["minLength"].as_u64()) {
        assert!(text.len() as u64 >= least, "{at} is too short");
    }
    if let Some(items) = value.as_array() {
        assert!(
            items.len() as u64 >= schema["minItems"].as_u64().unwrap_or(0),
            "{at} has too few items"
        );
        for (index, item) in items.iter().enumerate() {
            check(&schema["items"], item, &format!("{at}[{index}]"));
        }
    }
    let Some(fields) = value.as_object() else { return };
    for needed in schema["required"].as_array().into_iter().flatten() {
        assert!(
            fields.contains_key(needed.as_str().unwrap()),
            "{at}: {needed} is missing"
        );
    }
    for (key, field) in fields {
        match schema["properties"].get(key) {
            Some(schema) => check(schema, field, &format!("{at}.{key}")),
            None => assert!(schema["closed"] != true, "{at}: {key} is not in the specification"),
        }
    }
}
