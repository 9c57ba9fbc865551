//! Compares the catalog's schemas with the parser: what one accepts and the other doesn't.

use std::sync::LazyLock;

use jsonschema::{Draft, Validator};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::fuzz::{anything, nearly};
use crate::known::KNOWN;
use crate::*;

const ROUTER: Option<&str> = Some("router.example.net");

/// The parser's messages about forms that the schema could have refused; its other refusals are about the meaning of a
/// text, or about two parameters together.
const SHAPES: [&str; 9] = [
    "is not a string;",
    "is not a boolean",
    "is neither a list",
    "in the list is not a string",
    "is none of",
    "is not a whole number",
    "is not an object",
    "is no status",
    "there is no parameter",
];

fn validator(schema: &Value) -> Validator {
    jsonschema::options()
        .with_draft(Draft::Draft4)
        .build(schema)
        .unwrap_or_else(|error| panic!("{error}: {schema}"))
}

/// For a new instance.
static CREATE: LazyLock<Validator> = LazyLock::new(|| validator(&schema::create(ROUTER)));
/// For an update.
static UPDATE: LazyLock<Validator> = LazyLock::new(|| validator(&schema::update()));

#[test]
fn cloud_controller_can_load_the_schemas() {
    // cloud_controller_ng, lib/services/service_brokers/v2/schema.rb: draft 4 by this name, at most 64 KB, no external
    // references.
    for schema in [schema::create(None), schema::create(ROUTER), schema::update()] {
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-04/schema#");
        assert!(jsonschema::draft4::meta::is_valid(&schema), "{schema}");
        let text = schema.to_string();
        assert!(text.len() < 64 * 1024 && !text.contains("$ref"), "{text}");
        assert_eq!(schema["additionalProperties"], false);
        for (key, property) in schema["properties"].as_object().unwrap() {
            let description = property["description"].as_str().unwrap_or_default();
            assert!(
                !description.is_empty() && !description.contains('\n'),
                "{key}: {property}"
            );
        }
    }
}

#[test]
fn an_update_takes_a_timestamp_and_a_provision_does_not() {
    let parameters = json!({"domains": "www.example.com", "timestamp": "now"});
    assert!(!CREATE.is_valid(&parameters) && UPDATE.is_valid(&parameters));
    assert!(!CREATE.is_valid(&json!({"path": "/a"})) && UPDATE.is_valid(&json!({"path": "/a"})));
}

/// The parser alone with this value for this parameter: its message about the value, not about other parameters.
fn refused(key: &str, value: &Value) -> Option<String> {
    let mut object = Map::new();
    object.insert(key.to_owned(), value.clone());
    let faults = crate::known::check(&object);
    (!faults.is_empty()).then(|| faults.to_string())
}

proptest! {
    #[test]
    fn what_the_parser_takes_the_schemas_take(parameters in nearly()) {
        if parse(Some(&parameters), ROUTER).is_ok() {
            prop_assert!(CREATE.is_valid(&parameters), "{}", parameters);
            prop_assert!(UPDATE.is_valid(&parameters), "{}", parameters);
        }
    }

    #[test]
    fn each_parameter_has_the_same_forms_in_both(key in prop::sample::select(KNOWN.clone()), value in anything()) {
        let valid = UPDATE.is_valid(&json!({key: value}));
        match refused(key, &value) {
            None => prop_assert!(valid, "{key}: {value} is taken by the parser only"),
            Some(text) if SHAPES.iter().any(|shape| text.contains(shape)) => {
                prop_assert!(!valid, "{key}: {value} is taken by the schema only: {text}");
            }
            Some(_) => {}
        }
    }
}

/// Every form that a value can have. A new parameter whose form is missing here adds it.
pub(crate) fn forms() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(86_400),
        json!(31_536_001),
        json!(""),
        json!("*"),
        json!("/a"),
        json!("www.example.com"),
        json!("PriceClass_100"),
        json!("Managed-CachingOptimized"),
        json!("Managed-AllViewer"),
        json!("Managed-SimpleCORS"),
        json!([]),
        json!(["www.example.com"]),
        json!([1]),
        json!([null]),
        json!(["a,b"]),
        json!({}),
        json!({"404": "/404.html"}),
        json!({"404": 5}),
        json!({"200": "/"}),
        json!({"mail": ["ops@example.com"]}),
    ]
}

#[test]
fn every_form_of_every_parameter_is_in_both() {
    let forms = forms();
    for key in KNOWN.iter() {
        let taken = forms
            .iter()
            .filter(|value| {
                let valid = UPDATE.is_valid(&json!({*key: value}));
                let refused = refused(key, value);
                match &refused {
                    None => assert!(valid, "{key}: {value} is taken by the parser only"),
                    Some(text) if SHAPES.iter().any(|shape| text.contains(shape)) => {
                        assert!(!valid, "{key}: {value} is taken by the schema only: {text}");
                    }
                    Some(_) => {}
                }
                refused.is_none()
            })
            .count();
        assert!(taken >= 2, "{key}: only null is tried");
    }
}
