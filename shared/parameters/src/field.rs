//! A field of a request: its valid values, and their JSON schema.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::shown_json;

/// The valid values of one field.
pub trait Field: Sized {
    /// Reads the value, as far as it can be validated alone.
    ///
    /// # Errors
    /// What is wrong and what would be right, without the field's name; for a list, one line per wrong item.
    fn read(value: &Value) -> Result<Self, String>;

    /// Its JSON schema, of draft 4: never stricter than [`Field::read`].
    fn schema() -> Schema;
}

/// A field that was read.
#[derive(Debug)]
pub struct Read<F>(pub F);

impl<'de, F: Field> Deserialize<'de> for Read<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        F::read(&value).map(Self).map_err(D::Error::custom)
    }
}

impl<F: Field> JsonSchema for Read<F> {
    fn schema_name() -> Cow<'static, str> {
        std::any::type_name::<F>().into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        F::schema()
    }
}

impl Field for bool {
    fn read(value: &Value) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| {
            format!(
                "{} is not a boolean; write true or false, without quotes",
                shown_json(value)
            )
        })
    }

    fn schema() -> Schema {
        json_schema!({"type": "boolean"})
    }
}
