//! Parameters that have to be refused, with words that the description must contain: one table for the parser's own
//! tests and for those against a running broker.

mod domains;
mod edge;
mod lists;
mod origins;

use serde_json::{Value, json};

/// A name, the parameters, and what the description must contain.
pub type BadParameters = (&'static str, Value, &'static [&'static str]);

/// Refused whether or not the broker has a default origin.
pub fn bad_parameters() -> Vec<BadParameters> {
    let mut all = shapes();
    all.extend(domains::bad_domains());
    all.extend(origins::bad_origins());
    all.extend(origins::bad_paths());
    all.extend(lists::bad_lists());
    all.extend(edge::bad_edges());
    all
}

/// Refused by a broker that has a default origin.
pub fn bad_parameters_with_default_origin() -> Vec<BadParameters> {
    let ten: Vec<String> = (1..=10).map(|n| format!("X-{n}")).collect();
    vec![
        (
            "insecure default origin",
            json!({"domains": ["www.example.com"], "insecure_origin": true}),
            &["insecure_origin: true", "default origin", "false"],
        ),
        (
            "ten headers beside Host",
            json!({"domains": ["www.example.com"], "forward_headers": ten}),
            &["forward_headers", "there are 10", "at most 9", "Host"],
        ),
    ]
}

/// Refused by a broker that has no default origin.
pub fn bad_parameters_without_default_origin() -> Vec<BadParameters> {
    let missing: &[&str] = &["origin", "missing", "app.example.com"];
    vec![
        ("no origin", json!({"domains": ["www.example.com"]}), missing),
        (
            "null origin",
            json!({"domains": ["www.example.com"], "origin": null}),
            missing,
        ),
        (
            "empty origin",
            json!({"domains": ["www.example.com"], "origin": " "}),
            missing,
        ),
    ]
}

/// Valid domains and origin, and one more field.
fn with(field: &str, value: Value) -> Value {
    let mut parameters = json!({"domains": ["www.example.com"], "origin": "app.example.org"});
    parameters[field] = value;
    parameters
}

fn domains(value: Value) -> Value {
    json!({"domains": value, "origin": "app.example.org"})
}

fn shapes() -> Vec<BadParameters> {
    vec![
        ("a list", json!([]), &["parameters", "[] (a list)", "not an object"]),
        (
            "a string",
            json!("www.example.com"),
            &["parameters", "\"www.example.com\"", "not an object"],
        ),
        ("a number", json!(7), &["parameters", "7 (a number)", "not an object"]),
        ("nothing", json!({}), &["domains", "missing", "www.example.com"]),
        (
            "only null",
            json!({"domains": null, "domain": null}),
            &["domains", "missing"],
        ),
        (
            "misspelt domains",
            json!({"domians": "www.example.com"}),
            &["\"domians\"", "did you mean \"domains\"?"],
        ),
        (
            "capital Domain",
            json!({"Domain": "www.example.com"}),
            &["\"Domain\"", "did you mean \"domain\"?"],
        ),
        (
            "misspelt origin",
            with("orgin", json!("a.example.com")),
            &["\"orgin\"", "did you mean \"origin\"?"],
        ),
        (
            "hyphen for underscore",
            with("insecure-origin", json!(true)),
            &["\"insecure-origin\"", "did you mean \"insecure_origin\"?"],
        ),
        (
            "singular header",
            with("forward_header", json!("*")),
            &["\"forward_header\"", "did you mean \"forward_headers\"?"],
        ),
        (
            "unknown key",
            with("lambda", json!("all")),
            &["\"lambda\"", "known are cache_policy, compress, cookies"],
        ),
        (
            "unknown key with control character",
            with("a\u{7}b", json!(1)),
            &["\"a\\u{7}b\"", "known are"],
        ),
        ("unknown key though null", with("lambda", json!(null)), &["\"lambda\""]),
        (
            "notify without mail",
            with("notify", json!({"events": ["done"]})),
            &["notify: mail is missing", "ops@example.com"],
        ),
        (
            "an address as it is shown",
            with("notify", json!({"mail": "o…s@example.com"})),
            &["notify", "write the whole address"],
        ),
        (
            "an unknown event",
            with("notify", json!({"mail": "ops@example.com", "events": "birthday"})),
            &[
                "notify",
                "\"birthday\" is no event",
                "todo, done, failed, trouble, domain, replaced",
            ],
        ),
        (
            "timestamp",
            with("timestamp", json!("now")),
            &["timestamp", "it is for updates"],
        ),
    ]
}
