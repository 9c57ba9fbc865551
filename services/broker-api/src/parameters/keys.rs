//! Which parameters there are. An unknown one is a mistake that would otherwise go unnoticed until the site misbehaves.

use serde_json::{Map, Value};

use super::{ParameterError, shown};

/// What this version knows.
pub(super) const KNOWN: [&str; 19] = [
    "domains",
    "domain",
    "origin",
    "path",
    "insecure_origin",
    "forward_headers",
    "headers",
    "forward_cookies",
    "cookies",
    "default_ttl",
    "error_responses",
    "cache_policy",
    "origin_request_policy",
    "response_headers_policy",
    "hsts",
    "price_class",
    "compress",
    "http3",
    "failover_origin",
];

/// The most edits between a name and what was probably meant.
const MOST_EDITS: usize = 3;

pub(super) fn check(object: &Map<String, Value>) -> Result<(), ParameterError> {
    let Some(unknown) = object.keys().find(|key| !KNOWN.contains(&key.as_str())) else {
        return Ok(());
    };
    if unknown == "timestamp" {
        return Err(ParameterError::new(
            "timestamp",
            "it is for updates, where it has the distribution looked at again; leave it out",
        ));
    }
    let all = KNOWN.join(", ");
    Err(ParameterError::new(
        "parameters",
        match nearest(unknown) {
            Some(near) => format!(
                "there is no parameter {}; did you mean \"{near}\"? Known are {all}",
                shown(unknown)
            ),
            None => format!("there is no parameter {}; known are {all}", shown(unknown)),
        },
    ))
}

fn nearest(unknown: &str) -> Option<&'static str> {
    let given = unknown.to_lowercase().replace('-', "_");
    if given.chars().count() > 40 {
        return None;
    }
    KNOWN
        .into_iter()
        .map(|known| (edits(&given, known), known))
        // A third of the name changed is another name.
        .filter(|(edits, known)| *edits <= MOST_EDITS.min(known.len() / 3 + 1))
        .min()
        .map(|(_, known)| known)
}

/// Levenshtein's distance.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, from) in from.chars().enumerate() {
        let mut corner = at;
        row[0] = at + 1;
        for (column, to) in to.iter().enumerate() {
            let replaced = corner + usize::from(from != *to);
            corner = row[column + 1];
            row[column + 1] = replaced.min(corner + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
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
            assert_eq!(nearest(given), near, "{given}");
        }
        assert_eq!(edits("kitten", "sitting"), 3);
    }
}
