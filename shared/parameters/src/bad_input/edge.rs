//! Bad edge settings: policies, error pages, price classes, switches.

use serde_json::json;

use super::{BadParameters, with};

pub(super) fn bad_edges() -> Vec<BadParameters> {
    let mut both = with("cache_policy", json!("Managed-CachingDisabled"));
    both["forward_headers"] = json!(["Accept"]);
    let mut two = with("hsts", json!(true));
    two["response_headers_policy"] = json!("Managed-SimpleCORS");
    vec![
        (
            "redirect_to as a list",
            with("redirect_to", json!(["www.example.com"])),
            &["redirect_to: [\"www.example.com\"] (a list)", "not a string"],
        ),
        (
            "redirect_to as a switch",
            with("redirect_to", json!(true)),
            &["redirect_to: true", "one of the domains"],
        ),
        (
            "redirect_to as a URL",
            with("redirect_to", json!("https://www.example.com/")),
            &["redirect_to", "has a scheme", "\"www.example.com\""],
        ),
        (
            "redirect_to that would end the function's string",
            with("redirect_to", json!("www.example.com'+x+'")),
            &["redirect_to", "has the"],
        ),
        (
            "negative default_ttl",
            with("default_ttl", json!(-1)),
            &["default_ttl: -1", "from 0 to 31536000"],
        ),
        (
            "default_ttl over a year",
            with("default_ttl", json!(31_536_001)),
            &["default_ttl", "31536000"],
        ),
        (
            "default_ttl as text",
            with("default_ttl", json!("60")),
            &["default_ttl: \"60\"", "whole number"],
        ),
        (
            "error_responses as a list",
            with("error_responses", json!([404])),
            &["error_responses", "not an object", "/errors/404.html"],
        ),
        (
            "page for a good status",
            with("error_responses", json!({"200": "/ok.html"})),
            &["error_responses: \"200\"", "404"],
        ),
        (
            "page without a slash",
            with("error_responses", json!({"404": "404.html"})),
            &["error_responses: \"404.html\" for 404", "/errors/404.html"],
        ),
        (
            "unknown cache policy",
            with("cache_policy", json!("CachingOptimized")),
            &["cache_policy: \"CachingOptimized\"", "\"Managed-CachingOptimized\""],
        ),
        (
            "cache policy beside headers",
            both,
            &["forward_headers", "together with cache_policy", "null"],
        ),
        (
            "request policy alone",
            with("origin_request_policy", json!("Managed-AllViewer")),
            &["origin_request_policy", "needs a cache_policy"],
        ),
        (
            "two ways to say hsts",
            two,
            &["hsts", "Managed-SecurityHeadersPolicy", "write one of them"],
        ),
        (
            "hsts as a number",
            with("hsts", json!(1)),
            &["hsts: 1 (a number)", "not a boolean"],
        ),
        (
            "price class by a short name",
            with("price_class", json!("100")),
            &["price_class: \"100\"", "PriceClass_100"],
        ),
        (
            "compress as text",
            with("compress", json!("false")),
            &["compress: \"false\"", "without quotes"],
        ),
        ("http3 as a list", with("http3", json!([])), &["http3", "not a boolean"]),
        (
            "failover to itself",
            with("failover_origin", json!("app.example.org")),
            &["failover_origin: \"app.example.org\"", "another host"],
        ),
        (
            "failover to a domain",
            with("failover_origin", json!("www.example.com")),
            &["failover_origin", "fetch from itself"],
        ),
        (
            "failover to an address",
            with("failover_origin", json!("127.0.0.1")),
            &["failover_origin"],
        ),
    ]
}
