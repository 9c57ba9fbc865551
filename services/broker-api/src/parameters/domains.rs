//! `domains`, or `domain` as older brokers had it.

use std::collections::BTreeSet;

use pipeline::domain::{redundant, wildcard_of};
use schemars::{Schema, json_schema};
use serde_json::Value;

use super::{ParameterError, host_name, names, pasted, shown, shown_json};
use crate::form::{Form, Read};

/// The most names in a certificate of Let's Encrypt's profile `classic`, and the most aliases of a distribution.
pub(crate) const MOST: usize = 100;

/// The most characters after a wildcard's `*.`: a name below it has a label of one character at least, and 253 in all.
const MOST_BELOW: usize = 251;

const RIGHT: &str = "[\"www.example.com\", \"example.com\"] or \"www.example.com, example.com\"";

/// At least one domain: ASCII, lower case, sorted, no duplicates. Any may be a wildcard; what one stands for is not beside it.
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

/// Those of the names that were written which are domains, whatever the others are.
pub(super) fn well_formed(written: &Value) -> Vec<String> {
    let names = names::each(written, RIGHT).unwrap_or_default();
    let domains = names.into_iter().take(MOST).flatten().flat_map(|name| domain(&name));
    domains.collect::<BTreeSet<_>>().into_iter().collect()
}

impl Form for Domains {
    fn read(value: &Value) -> Result<Self, String> {
        let given = names::each(value, RIGHT)?;
        if given.is_empty() {
            return Err(format!("there is none; write {RIGHT}"));
        }
        if given.len() > MOST {
            return Err(format!(
                "there are {}; a certificate holds at most {MOST}: make several service instances",
                given.len()
            ));
        }
        let (mut domains, mut faults) = (Vec::new(), Vec::new());
        for name in given {
            match name.and_then(|name| domain(&name)) {
                Ok(domain) => domains.push(domain),
                Err(fault) => faults.push(fault),
            }
        }
        faults.dedup();
        domains.sort();
        faults.extend(domains.chunk_by(PartialEq::eq).filter(|same| same.len() > 1).map(|same| {
            format!(
                "{} is there twice (upper and lower case, a dot at the end and IDNA forms are the same); write it once",
                shown(&same[0])
            )
        }));
        domains.dedup();
        faults.extend(redundant(&domains).map(|(wildcard, name)| {
            format!(
                "{} stands for {} too, and no certificate holds both; leave {} out",
                shown(wildcard),
                shown(name),
                shown(name)
            )
        }));
        match faults.is_empty() {
            true => Ok(Self(domains)),
            false => Err(faults.join("\n")),
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
    if let Some(pasted) = pasted::fault(name, domain) {
        return Err(pasted);
    }
    let Some(parent) = wildcard_of(name) else {
        return match name.contains('*') {
            true => Err(format!(
                "{} has a * where none may be; it stands for one whole label at the start, as in \"*.example.com\"",
                shown(name)
            )),
            false => host_name(name),
        };
    };
    let parent = host_name(parent).map_err(|fault| format!("{} can't be a wildcard: {fault}", shown(name)))?;
    match parent.len() {
        ..=MOST_BELOW => Ok(format!("*.{parent}")),
        length => Err(format!(
            "{} has {length} characters after its \"*.\"; at most {MOST_BELOW} leave room for a name below it",
            shown(name)
        )),
    }
}
