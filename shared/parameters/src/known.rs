//! The known parameters. An unknown one is a mistake that would otherwise go unnoticed until the site misbehaves.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::faults::{Faults, ParameterError};
use crate::{did_you_mean, registry, shown};

/// An extra member of a fetched instance while its certificate can't be renewed: the one place that
/// `cf service --params` shows.
pub const RENEWAL_PROBLEM: &str = "renewal_problem";

/// The member that is always added: where to point the domains, when the certificate expires, what proved each domain.
pub const STATUS: &str = "status";

/// The extra member while one of its domains is about to move to another instance, or has moved.
pub const DOMAIN_PROBLEM: &str = "domain_problem";

/// The names of all parameters, in alphabetical order.
pub(crate) static KNOWN: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut known: Vec<_> = registry::keys().map(|key| key.name).collect();
    known.sort_unstable();
    known
});

/// Validates each key separately: reports unknown keys with a suggestion, and wrong values.
pub(crate) fn check(object: &Map<String, Value>) -> Faults {
    let mut faults = unknown(object);
    for (name, value) in object.iter().filter(|(_, value)| !value.is_null()) {
        let key = registry::keys().find(|key| key.name == *name);
        if let Some(Err(wrong)) = key.map(|key| (key.check)(value)) {
            wrong
                .lines()
                .for_each(|fault| faults.push(ParameterError::new(name, fault)));
        }
    }
    faults
}

fn unknown(object: &Map<String, Value>) -> Faults {
    let mut faults = Faults::default();
    let mut all = Some(KNOWN.join(", "));
    for unknown in object.keys().filter(|key| !KNOWN.contains(&key.as_str())) {
        faults.push(match unknown.as_str() {
            told @ (RENEWAL_PROBLEM | DOMAIN_PROBLEM | STATUS) => {
                ParameterError::new(told, "this service reports it, it can't be set; leave it out")
            }
            "timestamp" => ParameterError::new(
                "timestamp",
                "it is for updates, where it has the distribution checked again; leave it out",
            ),
            // The list of all is shown once.
            unknown => ParameterError::new("parameters", no_such(unknown, all.take())),
        });
    }
    faults
}

fn no_such(unknown: &str, known: Option<String>) -> String {
    let told = format!("there is no parameter {}", shown(unknown));
    match (did_you_mean(unknown, &KNOWN), known) {
        (Some(near), Some(known)) => format!("{told}; did you mean \"{near}\"? Known are {known}"),
        (Some(near), None) => format!("{told}; did you mean \"{near}\""),
        (None, Some(known)) => format!("{told}; known are {known}"),
        (None, None) => told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_not() {
        for (given, near) in [
            ("domian", Some("domain")),
            ("Domains", Some("domains")),
            ("orign", Some("origin")),
            ("insecure-origin", Some("insecure_origin")),
            ("forward_header", Some("forward_headers")),
            ("cookie", Some("cookies")),
            ("paths", Some("path")),
            ("priceclass", Some("price_class")),
            ("ttl", None),
            ("", None),
        ] {
            assert_eq!(did_you_mean(given, &KNOWN), near, "{given}");
        }
    }
}
