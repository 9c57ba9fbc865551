//! `domains`, or `domain` as in older brokers.

use std::collections::BTreeSet;

use pipeline::domain::{redundant, wildcard_of};
use schemars::{Schema, json_schema};
use serde_json::{Value, json};

use crate::faults::ParameterError;
use crate::field::Field;
use crate::key::{Key, KeyRow};
use crate::parameter::Parameter;
use crate::parse::{Parameters, Request};
use crate::update::Update;
use crate::value::{names, pasted, public_name};
use crate::{host_name, shown, shown_json};

const KEY: Key<Names> = Key::new("domains", "The domains, as a list or separated by commas");
const OLDER: Key<ByComma> = Key::new("domain", "The domains, separated by commas (older form of domains)");

/// The maximum number of names in a certificate of Let's Encrypt's profile `classic`, and of aliases of a distribution.
pub const MOST: usize = 100;

/// The maximum length of the name after a wildcard's `*.`: a name below it has a label of at least one character, and
/// 253 characters in all.
const MOST_BELOW: usize = 251;

const RIGHT: &str = "[\"www.example.com\", \"example.com\"] or \"www.example.com, example.com\"";

pub(crate) struct Domains;

/// At least one domain: ASCII, lower case, sorted, no duplicates. Any may be a wildcard; names that a wildcard covers
/// are not listed next to it.
#[derive(Debug)]
struct Names(Vec<String>);

/// [`Names`] in one string.
#[derive(Debug)]
struct ByComma(Names);

impl Parameter for Domains {
    fn keys(&self) -> &'static [KeyRow] {
        const { &[KEY.row(), OLDER.row()] }
    }

    fn parse(&self, request: &mut Request<'_>, parameters: &mut Parameters) {
        let domains = request.judge(&[KEY.name, OLDER.name], one_of);
        parameters.domains = domains.unwrap_or_default();
        for key in [KEY.name, OLDER.name] {
            let written = request.value(key).map(well_formed).unwrap_or_default();
            for domain in written {
                if !request.had(&domain)
                    && let Err(fault) = public_name::can_be_proved(&domain)
                {
                    request.refuse(key, fault);
                }
            }
        }
    }

    fn normalised(&self, parameters: &Parameters) -> Option<Value> {
        Some(json!(parameters.domains))
    }

    fn merge(&self, update: &mut Update<'_>) {
        update.replace(self);
    }
}

/// The domains from either key.
fn one_of(request: &Request<'_>) -> Result<Vec<String>, ParameterError> {
    match (request.get(&KEY), request.get(&OLDER)) {
        (Some(_), Some(_)) => Err(ParameterError::new(
            OLDER.name,
            "it is given together with domains; write all of them in domains",
        )),
        (Some(domains), None) | (None, Some(ByComma(domains))) => Ok(domains.0),
        (None, None) => Err(ParameterError::new(
            KEY.name,
            "it is missing; write {\"domains\": [\"www.example.com\"]}",
        )),
    }
}

/// The given names that are valid domains, whatever the others are.
fn well_formed(written: &Value) -> Vec<String> {
    let names = names::each(written, RIGHT).unwrap_or_default();
    let domains = names.into_iter().take(MOST).flatten().flat_map(|name| domain(&name));
    domains.collect::<BTreeSet<_>>().into_iter().collect()
}

impl Field for Names {
    fn read(value: &Value) -> Result<Self, String> {
        let given = names::each(value, RIGHT)?;
        if given.is_empty() {
            return Err(format!("there is none; write {RIGHT}"));
        }
        if given.len() > MOST {
            return Err(format!(
                "there are {}; a certificate holds at most {MOST}: create several service instances",
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
                "{} appears twice (upper and lower case, a dot at the end and IDNA forms are the same); write it once",
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

impl Field for ByComma {
    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::String(_) => Names::read(value).map(Self),
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

/// Aliases are written together with the certificate that covers them, by `aws::Viewer` (docs/aws-rules.md, rule 3).
#[cfg(feature = "cloudfront")]
mod cloudfront {
    use aws_sdk_cloudfront::error::BuildError;
    use aws_sdk_cloudfront::types::DistributionConfig;

    use super::*;
    use crate::cloudfront::{Wanted, aliases};
    use crate::parameter::InCloudFront;

    impl InCloudFront for Domains {
        fn put(&self, _: &Wanted<'_>, _: &mut DistributionConfig) -> Result<(), BuildError> {
            Ok(())
        }

        fn adopt(&self, config: &DistributionConfig, _: &mut Vec<String>) -> Option<Value> {
            Some(json!(aliases(config)))
        }

        fn differences(&self, wanted: &Parameters, there: &DistributionConfig) -> Vec<String> {
            let wanted = &wanted.domains;
            let found: Vec<&String> = there.aliases.iter().flat_map(|aliases| aliases.items()).collect();
            let missing = wanted.iter().filter(|domain| !found.contains(domain));
            let missing = missing.map(|domain| format!("the alias {domain} is missing"));
            let more = found.iter().filter(|domain| !wanted.contains(domain));
            missing
                .chain(more.map(|domain| format!("the alias {domain} is not the broker's")))
                .collect()
        }
    }
}
