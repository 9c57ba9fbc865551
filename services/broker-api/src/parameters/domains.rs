//! `domains`, or `domain` as older brokers had it.

use serde_json::{Map, Value};

use super::{ParameterError, host_name, names, present, shown, shown_json};

/// The most names in a certificate of Let's Encrypt's profile `classic`, and the most aliases of a distribution.
pub(crate) const MOST: usize = 100;

pub(super) fn parse(object: &Map<String, Value>) -> Result<Vec<String>, ParameterError> {
    let (field, value) = match (present(object, "domains"), present(object, "domain")) {
        (Some(_), Some(value)) => {
            return Err(ParameterError::new(
                "domain",
                format!(
                    "{} is given beside domains; write all of them in domains",
                    shown_json(value)
                ),
            ));
        }
        (Some(value), None) => ("domains", value),
        (None, Some(value @ Value::String(_))) => ("domain", value),
        (None, Some(other)) => {
            return Err(ParameterError::new(
                "domain",
                format!(
                    "{} is not a string; write \"www.example.com\", or a list in domains",
                    shown_json(other)
                ),
            ));
        }
        (None, None) => {
            return Err(ParameterError::new(
                "domains",
                "it is missing; write {\"domains\": [\"www.example.com\"]}",
            ));
        }
    };
    let right = "[\"www.example.com\", \"example.com\"] or \"www.example.com, example.com\"";
    let given = names::parse(field, value, right)?;
    if given.is_empty() {
        return Err(ParameterError::new(field, format!("there is none; write {right}")));
    }
    if given.len() > MOST {
        return Err(ParameterError::new(
            field,
            format!(
                "there are {}; a certificate holds at most {MOST}: make several service instances",
                given.len()
            ),
        ));
    }
    let mut domains = given
        .iter()
        .map(|name| domain(name).map_err(|fault| ParameterError::new(field, fault)))
        .collect::<Result<Vec<_>, _>>()?;
    domains.sort();
    match names::duplicate(&domains) {
        Some(twice) => Err(ParameterError::new(
            field,
            format!(
                "{} is there twice (upper and lower case, a dot at the end and IDNA forms are the same); write it once",
                shown(twice)
            ),
        )),
        None => Ok(domains),
    }
}

fn domain(name: &str) -> Result<String, String> {
    if name.contains('*') {
        return Err(format!(
            "{} is a wildcard, and those are not supported yet; name each domain, such as www.example.com",
            shown(name)
        ));
    }
    host_name(name)
}
