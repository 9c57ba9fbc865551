//! Types of fields in a request's body, other than the parameters.

use parameters::{Field, Read, shown_json};
use schemars::{Schema, json_schema};
use serde_json::{Map, Value};

/// A short text. PostgreSQL's text and jsonb can't contain NUL, and other control characters serve no purpose.
#[derive(Debug)]
pub(crate) struct Text(pub(crate) String);

impl Text {
    /// The most bytes.
    const MOST: usize = 255;
}

impl Field for Text {
    fn read(value: &Value) -> Result<Self, String> {
        let shown = shown_json(value);
        match value {
            Value::String(text) if text.len() > Self::MOST => {
                let (length, most) = (text.len(), Self::MOST);
                Err(format!("{shown} has {length} bytes; at most {most} are accepted"))
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

/// The text, if present.
pub(crate) fn text(field: Option<&Read<Text>>) -> Option<&str> {
    field.map(|text| text.0.0.as_str())
}

/// An object with arbitrary fields of the platform.
#[derive(Debug)]
pub(crate) struct Object(pub(crate) Map<String, Value>);

impl Field for Object {
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
