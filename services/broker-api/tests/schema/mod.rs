//! The catalog's answer as a JSON schema, after the tables of OSBAPI 2.17 ("Catalog Management") and of profile.md
//! ("Service Metadata").

use serde_json::{Value, json};

/// Additional properties are refused, so that nothing is served by accident, except in `metadata`.
pub(crate) fn catalog() -> Value {
    let text = json!({"type": "string", "minLength": 1});
    let texts = json!({"type": "array", "items": text});
    let flag = json!({"type": "boolean"});
    let parameters = json!({"type": "object", "required": ["$schema", "type"], "properties": {"$schema": text}});
    let input = json!({"type": "object", "additionalProperties": false, "properties": {"parameters": parameters}});
    let plan = json!({
        "type": "object",
        "required": ["id", "name", "description"],
        "additionalProperties": false,
        "properties": {
            "id": text,
            "name": text,
            "description": text,
            "metadata": {"type": "object", "properties": {
                "displayName": text,
                "bullets": texts,
                "costs": {"type": "array", "items": {
                    "type": "object", "additionalProperties": false, "required": ["amount", "unit"],
                    "properties": {"amount": {"type": "object"}, "unit": text},
                }},
            }},
            "free": flag,
            "bindable": flag,
            "plan_updateable": flag,
            "schemas": {"type": "object", "additionalProperties": false, "properties": {
                "service_instance": {"type": "object", "additionalProperties": false, "properties": {"create": input, "update": input}},
            }},
            "maximum_polling_duration": {"type": "integer"},
            "maintenance_info": {
                "type": "object", "additionalProperties": false, "required": ["version"],
                "properties": {"version": text, "description": text},
            },
        },
    });
    let service = json!({
        "type": "object",
        "required": ["name", "id", "description", "bindable", "plans"],
        "additionalProperties": false,
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
        "type": "object", "additionalProperties": false, "required": ["services"],
        "properties": {"services": {"type": "array", "items": service}},
    })
}
