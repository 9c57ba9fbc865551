//! A key under which a parameter appears in a request.

use std::marker::PhantomData;

use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use crate::field::{Field, Read};

/// A key and the type of its value.
pub(crate) struct Key<F> {
    pub(crate) name: &'static str,
    /// For the JSON schema: one line, which user interfaces show.
    description: &'static str,
    value: PhantomData<fn() -> F>,
}

impl<F: Field> Key<F> {
    pub(crate) const fn new(name: &'static str, description: &'static str) -> Self {
        let value = PhantomData;
        Self {
            name,
            description,
            value,
        }
    }

    /// The same without its type, for [`Parameter::keys`](crate::parameter::Parameter::keys).
    pub(crate) const fn row(&self) -> KeyRow {
        KeyRow {
            name: self.name,
            description: self.description,
            check: |value| F::read(value).map(drop),
            schema: |generator| generator.subschema_for::<Option<Read<F>>>(),
        }
    }
}

/// A key of any type.
pub(crate) struct KeyRow {
    pub(crate) name: &'static str,
    description: &'static str,
    /// The faults of a value, a line each.
    pub(crate) check: fn(&Value) -> Result<(), String>,
    schema: fn(&mut SchemaGenerator) -> Schema,
}

impl KeyRow {
    /// The JSON schema of the value, `null` included.
    pub(crate) fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        let mut schema = (self.schema)(generator);
        schema.insert("description".to_owned(), self.description.into());
        schema
    }
}
