//! The host name of an origin, or of a redirect's target.

use schemars::{Schema, json_schema};
use serde_json::Value;

use crate::field::Field;
use crate::{host_name, shown_json};

/// A host name; none if an empty one was given, which the older brokers treat as "the default".
#[derive(Debug)]
pub(crate) struct Host(pub(crate) Option<String>);

impl Field for Host {
    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::String(text) if text.trim_ascii().is_empty() => Ok(Self(None)),
            Value::String(text) => host_name(text).map(|host| Self(Some(host))),
            other => Err(format!(
                "{} is not a string; write a host name such as \"app.example.com\"",
                shown_json(other)
            )),
        }
    }

    fn schema() -> Schema {
        json_schema!({"type": "string"})
    }
}
