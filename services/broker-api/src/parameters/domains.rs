//! `domains`, or `domain` as older brokers had it.

use schemars::{Schema, json_schema};
use serde_json::Value;

use super::{ParameterError, host_name, names, shown, shown_json};
use crate::form::{Form, Read};

/// The most names in a certificate of Let's Encrypt's profile `classic`, and the most aliases of a distribution.
pub(crate) const MOST: usize = 100;

const RIGHT: &str = "[\"www.example.com\", \"example.com\"] or \"www.example.com, example.com\"";

/// At least one domain: ASCII, lower case, sorted, no duplicates.
#[derive(Debug)]
pub(super) struct Domains(Vec<String>);

/// [`Domains`] in one string.
#[derive(Debug)]
pub(super) struct ByComma(Domains);

/// The domains by either name.
pub(super) fn one_of(
    domains: Option<Read<Domains>>,
    domain: Option<Read<ByComma>>,
) -> Result<Vec<String>, ParameterError> {
    match (domains, domain) {
        (Some(_), Some(_)) => Err(ParameterError::new(
            "domain",
            "it is given beside domains; write all of them in domains",
        )),
        (Some(Read(domains)), None) | (None, Some(Read(ByComma(domains)))) => Ok(domains.0),
        (None, None) => Err(ParameterError::new(
            "domains",
            "it is missing; write {\"domains\": [\"www.example.com\"]}",
        )),
    }
}

impl Form for Domains {
    fn read(value: &Value) -> Result<Self, String> {
        let given = names::parse(value, RIGHT)?;
        if given.is_empty() {
            return Err(format!("there is none; write {RIGHT}"));
        }
        if given.len() > MOST {
            return Err(format!(
                "there are {}; a certificate holds at most {MOST}: make several service instances",
                given.len()
            ));
        }
        let mut domains = given.iter().map(|name| domain(name)).collect::<Result<Vec<_>, _>>()?;
        domains.sort();
        match names::duplicate(&domains) {
            Some(twice) => Err(format!(
                "{} is there twice (upper and lower case, a dot at the end and IDNA forms are the same); write it once",
                shown(twice)
            )),
            None => Ok(Self(domains)),
        }
    }

    fn schema() -> Schema {
        names::schema(MOST)
    }
}

impl Form for ByComma {
    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::String(_) => Domains::read(value).map(Self),
            other => Err(format!(
                "{} is not a string; write \"www.example.com\", or a list in domains",
                shown_json(other)
            )),
        }
    }

    fn schema() -> Schema {
        json_schema!({"type": "string"})
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
