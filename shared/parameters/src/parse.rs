//! The `parameters` of a provision: everything that the older brokers accepted, in all forms, validated as far as the
//! text allows.

use notices::Notify;
use pipeline::InstanceSettings;
use serde_json::{Map, Value};

use crate::faults::{Faults, ParameterError};
use crate::field::Field;
use crate::key::Key;
use crate::{known, registry, shown_json};

/// A user's request, validated and with defaults filled in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parameters {
    /// ASCII, lower case, sorted, no duplicates.
    pub domains: Vec<String>,
    /// The settings of the distribution.
    pub settings: InstanceSettings,
    /// Who is told what, if the request says so.
    pub notify: Option<Notify>,
}

/// Validates the parameters. A `null` counts as absent, the whole object included.
///
/// # Errors
/// Everything that is wrong.
pub fn parse(parameters: Option<&Value>, default_origin: Option<&str>) -> Result<Parameters, Faults> {
    parse_beside(&[], parameters, default_origin)
}

/// The same for an instance that already has these names, as domains or origins: whether they can be public was checked
/// then.
pub(crate) fn parse_beside(
    had: &[&str],
    parameters: Option<&Value>,
    default_origin: Option<&str>,
) -> Result<Parameters, Faults> {
    let empty = Map::new();
    let object = object(parameters)?.unwrap_or(&empty);
    let mut request = Request {
        object,
        had,
        default_origin,
        faults: known::check(object),
    };
    let mut parameters = Parameters::default();
    for parameter in registry::ALL.iter() {
        parameter.parse(&mut request, &mut parameters);
    }
    match request.faults.is_empty() {
        true => Ok(parameters),
        false => Err(request.faults),
    }
}

/// The object; none when it is absent.
fn object(parameters: Option<&Value>) -> Result<Option<&Map<String, Value>>, ParameterError> {
    match parameters {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(other) => Err(ParameterError::new(
            "parameters",
            format!(
                "{} is not an object; write {{\"domains\": [\"www.example.com\"]}}",
                shown_json(other)
            ),
        )),
    }
}

impl Parameters {
    /// The canonical form of all ways to write the same: used to detect "the same request", and shown by a fetch.
    pub fn normalised(&self) -> Value {
        let all = registry::ALL.iter().filter_map(|parameter| {
            let name = parameter.keys().first()?.name;
            Some((name.to_owned(), parameter.normalised(self)?))
        });
        Value::Object(all.collect())
    }
}

/// A request's parameters while they are validated.
pub(crate) struct Request<'r> {
    object: &'r Map<String, Value>,
    had: &'r [&'r str],
    /// The broker's default origin, used when none is given.
    pub(crate) default_origin: Option<&'r str>,
    faults: Faults,
}

impl Request<'_> {
    /// The value of the key, if it is valid.
    pub(crate) fn get<F: Field>(&self, key: &Key<F>) -> Option<F> {
        F::read(self.value(key.name)?).ok()
    }

    /// The value that was written; `null` counts as absent.
    pub(crate) fn value(&self, key: &str) -> Option<&Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    /// The value under one of two keys for the same thing, with the key that was used.
    pub(crate) fn either<F: Field>(
        &self,
        key: &Key<F>,
        older: &Key<F>,
    ) -> Result<(&'static str, Option<F>), ParameterError> {
        match (self.get(key), self.get(older)) {
            (Some(_), Some(_)) => Err(ParameterError::new(
                older.name,
                format!(
                    "it is given together with {}, which means the same; write one of them",
                    key.name
                ),
            )),
            (None, Some(old)) => Ok((older.name, Some(old))),
            (value, None) => Ok((key.name, value)),
        }
    }

    /// Whether the instance already has this name, as a domain or an origin.
    pub(crate) fn had(&self, name: &str) -> bool {
        self.had.contains(&name)
    }

    pub(crate) fn refuse(&mut self, key: &str, fault: String) {
        self.faults.push(ParameterError::new(key, fault));
    }

    /// Checks that depend on these keys; skipped if one of them is already wrong, since its intended value is unknown.
    pub(crate) fn judge<T>(
        &mut self,
        keys: &[&str],
        found: impl FnOnce(&Self) -> Result<T, ParameterError>,
    ) -> Option<T> {
        if self.faults.are_about(keys) {
            return None;
        }
        found(self).map_err(|error| self.faults.push(error)).ok()
    }
}
