//! Which parameters there are. An unknown one is a mistake that would otherwise go unnoticed until the site misbehaves.

use serde_json::{Map, Value};

use super::written::KNOWN;
use super::{Faults, ParameterError, shown};
use crate::nearest::nearest;

/// What a fetched instance has beside its parameters while its certificate can't be renewed: the one place that
/// `cf service --params` shows.
pub(crate) const RENEWAL_PROBLEM: &str = "renewal_problem";

/// What it always has beside them: where to point the domains, when the certificate ends, what proved each domain.
pub(crate) const STATUS: &str = "status";

/// What it has beside them while a domain of it is about to go to another instance, or has gone.
pub(crate) const DOMAIN_PROBLEM: &str = "domain_problem";

/// Each key that is none, told with what was probably meant.
pub(super) fn check(object: &Map<String, Value>) -> Faults {
    let mut faults = Faults::default();
    let mut all = Some(KNOWN.join(", "));
    for unknown in object.keys().filter(|key| !KNOWN.contains(&key.as_str())) {
        faults.push(match unknown.as_str() {
            told @ (RENEWAL_PROBLEM | DOMAIN_PROBLEM | STATUS) => {
                ParameterError::new(told, "this service tells it, nobody can ask for it; leave it out")
            }
            "timestamp" => ParameterError::new(
                "timestamp",
                "it is for updates, where it has the distribution looked at again; leave it out",
            ),
            // The list of all is told once.
            unknown => ParameterError::new("parameters", no_such(unknown, all.take())),
        });
    }
    faults
}

fn no_such(unknown: &str, known: Option<String>) -> String {
    let told = format!("there is no parameter {}", shown(unknown));
    match (nearest(unknown, &KNOWN), known) {
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
            assert_eq!(nearest(given, &KNOWN), near, "{given}");
        }
    }
}
