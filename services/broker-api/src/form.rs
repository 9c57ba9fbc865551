//! The forms in which a field of a request may be written: one place that reads them, and tells what they are.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::parameters::shown_json;

/// What may be written for one field.
pub(crate) trait Form: Sized {
    /// Reads it, as far as it can be seen alone.
    ///
    /// # Errors
    /// What is wrong and what would be right, without the field's name; of a list, a line for each that is wrong.
    fn read(value: &Value) -> Result<Self, String>;

    /// Its JSON schema, of draft 4: never stricter than [`Form::read`].
    fn schema() -> Schema;
}

/// A field that was read.
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

/// A short text. PostgreSQL's text and jsonb hold no NUL, and nobody has a reason for the other control characters.
#[derive(Debug)]
pub(crate) struct Text(pub(crate) String);

impl Text {
    /// The most bytes.
    const MOST: usize = 255;
}

impl Form for Text {
    fn read(value: &Value) -> Result<Self, String> {
        let shown = shown_json(value);
        match value {
            Value::String(text) if text.len() > Self::MOST => {
                let (length, most) = (text.len(), Self::MOST);
                Err(format!("{shown} has {length} bytes; at most {most} are taken"))
            }
            Value::String(text) if text.contains(char::is_control) => {
                Err(format!("{shown} has a control character; leave it out"))
            }
            Value::String(text) => Ok(Self(text.clone())),
            _ => Err(format!("{shown} is not a string; write a text in double quotes")),
        }
    }

    fn schema() -> Schema {
        json_schema!({"type": "string", "maxLength": Self::MOST, "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"})
    }
}

/// The text, if there is one.
pub(crate) fn text(field: Option<&Read<Text>>) -> Option<&str> {
    field.map(|text| text.0.0.as_str())
}

/// An object of whatever the platform knows.
#[derive(Debug)]
pub(crate) struct Object(pub(crate) Map<String, Value>);

impl Form for Object {
    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Object(fields) => Ok(Self(fields.clone())),
            other => Err(format!("{} is not an object", shown_json(other))),
        }
    }

    fn schema() -> Schema {
        json_schema!({"type": "object"})
    }
}
