//! Bad `forward_headers` and `forward_cookies`, under their new and old names.

use serde_json::json;

use super::{BadParameters, with};

pub(super) fn bad_lists() -> Vec<BadParameters> {
    let eleven: Vec<String> = (1..=11).map(|n| format!("X-{n}")).collect();
    let long = "c".repeat(129);
    vec![
        (
            "headers as number",
            with("forward_headers", json!(3)),
            &["forward_headers: 3 (a number)", "neither a list nor a string"],
        ),
        (
            "headers as boolean",
            with("forward_headers", json!(true)),
            &["forward_headers: true", "neither a list nor a string"],
        ),
        (
            "headers as object",
            with("headers", json!({"Accept": 1})),
            &["headers", "(an object)", "neither a list nor a string"],
        ),
        (
            "header with colon",
            with("forward_headers", json!(["Accept: text/html"])),
            &["forward_headers: \"Accept: text/html\"", "not a header's name"],
        ),
        (
            "header with space",
            with("forward_headers", json!("X Y")),
            &["forward_headers: \"X Y\"", "not a header's name"],
        ),
        (
            "header with newline",
            with("forward_headers", json!(["X\r\nY"])),
            &["\"X\\r\\nY\"", "not a header's name"],
        ),
        (
            "header beyond ASCII",
            with("forward_headers", json!(["X-Größe"])),
            &["not a header's name"],
        ),
        (
            "header empty",
            with("forward_headers", json!("Accept,,Origin")),
            &["forward_headers", "empty entry"],
        ),
        (
            "header twice",
            with("forward_headers", json!(["Accept", "ACCEPT"])),
            &["\"ACCEPT\" appears twice", "capitals"],
        ),
        (
            "headers * beside others",
            with("forward_headers", json!(["*", "Accept"])),
            &["forward_headers", "\"*\" together with others", "stands alone"],
        ),
        (
            "eleven headers",
            with("forward_headers", json!(eleven)),
            &["forward_headers", "there are 11", "at most 10"],
        ),
        (
            "both names for headers",
            json!({"domains": ["www.example.com"], "origin": "app.example.org", "forward_headers": "A", "headers": ["B"]}),
            &["headers: it is given together with forward_headers", "one of them"],
        ),
        (
            "cookies as number",
            with("forward_cookies", json!(1)),
            &["forward_cookies: 1 (a number)", "neither a list nor a string"],
        ),
        (
            "cookies as object",
            with("cookies", json!({})),
            &["cookies: {} (an object)", "neither a list nor a string"],
        ),
        (
            "cookies true as text",
            with("cookies", json!("true")),
            &["cookies: \"true\" is not a boolean", "without quotes"],
        ),
        (
            "cookies false as text",
            with("forward_cookies", json!(" false ")),
            &["forward_cookies: \"false\" is not a boolean"],
        ),
        (
            "cookie with =",
            with("forward_cookies", json!("a=b")),
            &["forward_cookies: \"a=b\"", "not a cookie's name"],
        ),
        (
            "cookie with ;",
            with("forward_cookies", json!(["a; b"])),
            &["\"a; b\"", "not a cookie's name"],
        ),
        (
            "cookie with NUL",
            with("forward_cookies", json!(["a\u{0}"])),
            &["\"a\\0\"", "not a cookie's name"],
        ),
        (
            "cookie too long",
            with("forward_cookies", json!([long])),
            &["not a cookie's name"],
        ),
        (
            "cookie twice",
            with("forward_cookies", json!("a, b, a")),
            &["forward_cookies: \"a\" appears twice"],
        ),
        (
            "cookies * beside others",
            with("forward_cookies", json!("*, a")),
            &["\"*\" together with others", "stands alone"],
        ),
        (
            "cookies with a number",
            with("forward_cookies", json!(["a", 2])),
            &["forward_cookies: 2 (a number)", "not a string"],
        ),
        (
            "both names for cookies",
            json!({"domains": ["www.example.com"], "origin": "app.example.org", "forward_cookies": "", "cookies": true}),
            &["cookies: it is given together with forward_cookies", "one of them"],
        ),
    ]
}
