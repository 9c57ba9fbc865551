//! The forms in which a parameter may be written: one place that reads them, and tells user interfaces what they are.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::shown_json;

/// What a user may write for one parameter.
pub(crate) trait Form: Sized {
    /// Reads it, as far as it can be seen alone.
    ///
    /// # Errors
    /// What is wrong and what would be right, without the parameter's name.
    fn read(value: &Value) -> Result<Self, String>;

    /// Its JSON schema, of draft 4: never stricter than [`Form::read`].
    fn schema() -> Schema;
}

/// A parameter that was read.
#[derive(Debug)]
pub(crate) struct Read<F>(pub(crate) F);

impl<'de, F: Form> Deserialize<'de> for Read<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        F::read(&value).map(Self).map_err(D::Error::custom)
    }
}

impl<F: Form> JsonSchema for Read<F> {
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

impl Form for bool {
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
