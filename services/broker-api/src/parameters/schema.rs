//! The JSON schemas of `parameters`, for user interfaces; the parser is stricter, and says what is wrong. Cloud Controller
//! wants draft 4 and no outside references. `null` is allowed everywhere: the default.

use pipeline::instance::PriceClass;
use pipeline::managed::{CACHE, Managed, ORIGIN_REQUEST, RESPONSE_HEADERS};
use serde_json::{Map, Value, json};

use super::edge::{ERROR_CODES, MOST_TTL};
use super::{MOST_DOMAINS, MOST_HEADERS, MOST_PATH};

const DRAFT: &str = "http://json-schema.org/draft-04/schema#";
/// The most characters of a host name.
const MOST_HOST: usize = 253;

/// For a new instance.
pub(crate) fn create(default_origin: Option<&str>) -> Value {
    let mut schema = json!({
        "$schema": DRAFT,
        "type": "object",
        "additionalProperties": false,
        "properties": properties(),
        "anyOf": [{"required": ["domains"]}, {"required": ["domain"]}],
    });
    match default_origin {
        Some(origin) => schema["properties"]["origin"]["default"] = origin.into(),
        None => schema["required"] = json!(["origin"]),
    }
    schema
}

/// For an update: whatever is left out stays as it is.
pub(crate) fn update() -> Value {
    let mut properties = properties();
    let description = "Whatever it is: the distribution is looked at again, even if nothing else is asked for";
    properties.insert("timestamp".into(), json!({ "description": description }));
    json!({"$schema": DRAFT, "type": "object", "additionalProperties": false, "properties": properties})
}

fn properties() -> Map<String, Value> {
    let host = |what: &str| typed("string", what, json!({"maxLength": MOST_HOST}));
    let switch = |what: &str| typed("boolean", what, json!({}));
    let cookies = "Cookies passed to the origin: \"*\" or true for all (the default), \"\" or false for none, else names, as a list \
                   or separated by commas";
    let pages = json!({
        "description": "Pages of the origin that are shown for its errors: path by HTTP status",
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": ERROR_CODES.iter().map(|code| (code.to_string(), json!({"type": "string", "maxLength": MOST_PATH}))).collect::<Map<_, _>>(),
    });
    let classes = PriceClass::ALL.map(PriceClass::as_str);
    let all = [
        (
            "domains",
            names("The domains, as a list or separated by commas", MOST_DOMAINS),
        ),
        (
            "domain",
            typed(
                "string",
                "The domains, separated by commas (older form of domains)",
                json!({}),
            ),
        ),
        ("origin", host("Host name of the origin")),
        (
            "path",
            typed(
                "string",
                "Folder at the origin, such as /assets",
                json!({"maxLength": MOST_PATH}),
            ),
        ),
        ("insecure_origin", switch("Fetch from the origin by plain HTTP")),
        (
            "failover_origin",
            host("Host name that is asked when the origin is unreachable, too slow or answers 5xx"),
        ),
        (
            "forward_headers",
            names(
                "Request headers passed to the origin, as a list or separated by commas; \"*\" alone: all",
                MOST_HEADERS,
            ),
        ),
        ("headers", names("Older form of forward_headers", MOST_HEADERS)),
        ("forward_cookies", names_or_switch(cookies)),
        ("cookies", names_or_switch("Older form of forward_cookies")),
        (
            "default_ttl",
            typed(
                "integer",
                "How long CloudFront keeps what comes without Cache-Control, in seconds",
                json!({"minimum": 0, "maximum": MOST_TTL}),
            ),
        ),
        ("error_responses", pages),
        (
            "cache_policy",
            policy(
                "CloudFront's managed policy in place of forward_headers, forward_cookies and default_ttl",
                &CACHE,
            ),
        ),
        (
            "origin_request_policy",
            policy(
                "Managed policy of what is passed to the origin, beside cache_policy",
                &ORIGIN_REQUEST,
            ),
        ),
        (
            "response_headers_policy",
            policy("Managed policy of headers that are added to answers", &RESPONSE_HEADERS),
        ),
        (
            "hsts",
            switch("Short for response_headers_policy Managed-SecurityHeadersPolicy"),
        ),
        ("price_class", one_of("Which of CloudFront's edges serve", &classes)),
        ("compress", switch("Compress at the edge (the default)")),
        ("http3", switch("HTTP/3 beside HTTP/2")),
        (
            "redirect_to",
            host("The host that answers, such as www.example.com; every other domain is redirected to it"),
        ),
    ];
    all.into_iter()
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect()
}

fn typed(kind: &str, what: &str, more: Value) -> Value {
    let mut schema = more;
    schema["type"] = json!([kind, "null"]);
    schema["description"] = what.into();
    schema
}

fn one_of(what: &str, names: &[&str]) -> Value {
    let all: Vec<Value> = names.iter().map(|name| json!(name)).chain([Value::Null]).collect();
    json!({"description": what, "enum": all})
}

fn policy(what: &str, among: &[Managed]) -> Value {
    one_of(what, &among.iter().map(|policy| policy.name).collect::<Vec<_>>())
}

fn list(most: usize) -> Value {
    json!({"type": "array", "items": {"type": "string"}, "maxItems": most})
}

fn names(what: &str, most: usize) -> Value {
    json!({"description": what, "anyOf": [{"type": ["string", "null"]}, list(most)]})
}

fn names_or_switch(what: &str) -> Value {
    json!({"description": what, "anyOf": [{"type": ["boolean", "string", "null"]}, {"type": "array", "items": {"type": "string"}}]})
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::parameters::keys::KNOWN;

    #[test]
    fn the_schemas_have_every_parameter_that_the_parser_takes_and_no_other() {
        let keys = |schema: &Value| -> BTreeSet<String> {
            schema["properties"].as_object().unwrap().keys().cloned().collect()
        };
        let known: BTreeSet<String> = KNOWN.iter().map(|key| (*key).to_owned()).collect();
        assert_eq!(keys(&create(None)), known);
        let mut for_updates = known;
        for_updates.insert("timestamp".into());
        assert_eq!(keys(&update()), for_updates);
    }
}
