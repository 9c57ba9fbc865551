//! Which parameters there are. An unknown one is a mistake that would otherwise go unnoticed until the site misbehaves.

use serde_json::{Map, Value};

use super::written::KNOWN;
use super::{ParameterError, shown};
use crate::nearest::nearest;

/// What a fetched instance has beside its parameters while its certificate can't be renewed: the one place that
/// `cf service --params` shows.
pub(crate) const RENEWAL_PROBLEM: &str = "renewal_problem";

/// What it has beside them while a domain of it is about to go to another instance, or has gone.
pub(crate) const DOMAIN_PROBLEM: &str = "domain_problem";

pub(super) fn check(object: &Map<String, Value>) -> Result<(), ParameterError> {
    let Some(unknown) = object.keys().find(|key| !KNOWN.contains(&key.as_str())) else {
        return Ok(());
    };
    if unknown == RENEWAL_PROBLEM || unknown == DOMAIN_PROBLEM {
        return Err(ParameterError::new(
            unknown,
            "this service tells it, nobody can ask for it; leave it out",
        ));
    }
    if unknown == "timestamp" {
        return Err(ParameterError::new(
            "timestamp",
            "it is for updates, where it has the distribution looked at again; leave it out",
        ));
    }
    let all = KNOWN.join(", ");
    Err(ParameterError::new(
        "parameters",
        match nearest(unknown, &KNOWN) {
            Some(near) => format!(
                "there is no parameter {}; did you mean \"{near}\"? Known are {all}",
                shown(unknown)
            ),
            None => format!("there is no parameter {}; known are {all}", shown(unknown)),
        },
    ))
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
