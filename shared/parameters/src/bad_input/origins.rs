//! Bad `origin`, `insecure_origin` and `path`.

use serde_json::json;

use super::{BadParameters, with};

pub(super) fn bad_origins() -> Vec<BadParameters> {
    let label = format!("{}.example.com", "o".repeat(64));
    let long = format!("{}com", "abcdefghi.".repeat(26));
    vec![
        (
            "origin as list",
            with("origin", json!(["a.example.com"])),
            &["origin: [\"a.example.com\"] (a list)", "not a string"],
        ),
        (
            "origin as number",
            with("origin", json!(1)),
            &["origin: 1 (a number)", "not a string"],
        ),
        (
            "origin as boolean",
            with("origin", json!(false)),
            &["origin: false", "not a string"],
        ),
        (
            "origin with scheme",
            with("origin", json!("https://app.example.org")),
            &[
                "origin: \"https://app.example.org\" has a scheme",
                "alone: \"app.example.org\"",
            ],
        ),
        (
            "origin with path",
            with("origin", json!("app.example.org/x")),
            &["origin", "has a path", "alone: \"app.example.org\""],
        ),
        (
            "origin with port",
            with("origin", json!("app.example.org:8080")),
            &["origin", "has a port", "alone: \"app.example.org\""],
        ),
        (
            "origin is an address",
            with("origin", json!("10.0.0.1")),
            &["origin: \"10.0.0.1\" is an IP address"],
        ),
        (
            "origin has one label",
            with("origin", json!("router")),
            &["origin: \"router\" has no dot"],
        ),
        (
            "origin with underscore",
            with("origin", json!("my_app.example.org")),
            &["origin", "has an underscore"],
        ),
        (
            "origin is a wildcard",
            with("origin", json!("*.example.org")),
            &["origin", "the character \"*\""],
        ),
        (
            "origin with long label",
            with("origin", json!(label)),
            &["origin", "64 characters", "at most 63"],
        ),
        (
            "origin too long",
            with("origin", json!(long)),
            &["origin", "has 263 characters", "at most 253"],
        ),
        (
            "origin's top level",
            with("origin", json!("app.example.1")),
            &["origin", "ends in \"1\"", "top-level domain"],
        ),
        (
            "origin of the private network",
            with("origin", json!("app.apps.internal")),
            &[
                "origin: \"app.apps.internal\" ends in .internal",
                "not in the public DNS",
            ],
        ),
        (
            "two origins",
            with("origin", json!("a.example.org, b.example.org")),
            &["origin", "has a space"],
        ),
        (
            "origin is a domain",
            with("origin", json!("WWW.example.com")),
            &["origin: \"www.example.com\"", "one of the domains"],
        ),
        (
            "insecure_origin as string",
            with("insecure_origin", json!("true")),
            &["insecure_origin: \"true\"", "not a boolean", "without quotes"],
        ),
        (
            "insecure_origin as number",
            with("insecure_origin", json!(1)),
            &["insecure_origin: 1 (a number)", "true or false"],
        ),
    ]
}

pub(super) fn bad_paths() -> Vec<BadParameters> {
    let long = format!("/{}", "p".repeat(255));
    vec![
        (
            "path as number",
            with("path", json!(5)),
            &["path: 5 (a number)", "not a string"],
        ),
        (
            "path as list",
            with("path", json!(["/x"])),
            &["path: [\"/x\"] (a list)", "not a string"],
        ),
        (
            "path without slash",
            with("path", json!("folder")),
            &["path: \"folder\"", "begin with a slash"],
        ),
        (
            "path with slash at the end",
            with("path", json!("/folder/")),
            &["path: \"/folder/\" ends with a slash; write \"/folder\""],
        ),
        (
            "path is a slash",
            with("path", json!("/")),
            &["path: \"/\" ends with a slash", "write \"\""],
        ),
        (
            "path is a URL",
            with("path", json!("https://a.example.com/x")),
            &["path", "is a URL", "\"/folder\""],
        ),
        (
            "path too long",
            with("path", json!(long)),
            &["path", "has 256 characters", "at most 255"],
        ),
        (
            "path with space",
            with("path", json!("/a b")),
            &["path: \"/a b\" has \" \"", "percent-encoded"],
        ),
        ("path with query", with("path", json!("/a?b")), &["path", "has \"?\""]),
        (
            "path with fragment",
            with("path", json!("/a#b")),
            &["path", "has \"#\""],
        ),
        (
            "path with half an escape",
            with("path", json!("/a%2")),
            &["path", "has \"%\""],
        ),
        (
            "path with a letter beyond ASCII",
            with("path", json!("/bücher")),
            &["path", "has \"ü\"", "percent-encoded"],
        ),
        (
            "path with NUL",
            with("path", json!("/a\u{0}b")),
            &["path: \"/a\\0b\"", "has \"\\0\""],
        ),
    ]
}
