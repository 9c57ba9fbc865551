//! Bad `domains` and `domain`.

use serde_json::json;

use super::{BadParameters, domains};

pub(super) fn bad_domains() -> Vec<BadParameters> {
    let many: Vec<String> = (0..101).map(|n| format!("d{n}.example.com")).collect();
    let label = format!("{}.example.com", "a".repeat(64));
    let long = format!("{}com", "abcdefghi.".repeat(26));
    let cut = format!("http://{}", "x".repeat(200));
    vec![
        (
            "domain and domains",
            json!({"domain": "a.example.com", "domains": ["b.example.com"]}),
            &["domain: it is given together with domains", "in domains"],
        ),
        (
            "domain as list",
            json!({"domain": ["a.example.com"], "origin": "app.example.org"}),
            &["domain: [\"a.example.com\"] (a list)", "not a string", "domains"],
        ),
        (
            "domain as number",
            json!({"domain": 1, "origin": "app.example.org"}),
            &["domain: 1 (a number)", "not a string"],
        ),
        (
            "domains as object",
            domains(json!({"a": 1})),
            &["domains", "(an object)", "neither a list nor a string"],
        ),
        (
            "domains as boolean",
            domains(json!(true)),
            &["domains: true", "neither a list nor a string"],
        ),
        (
            "domains with a number",
            domains(json!(["a.example.com", 5])),
            &["domains: 5 (a number)", "not a string"],
        ),
        (
            "domains with null",
            domains(json!([null])),
            &["domains: null", "not a string"],
        ),
        (
            "nested list",
            domains(json!([["a.example.com"]])),
            &["domains: [\"a.example.com\"] (a list)", "not a string"],
        ),
        (
            "comma inside a list",
            domains(json!(["a.example.com,b.example.com"])),
            &["has a comma", "several entries"],
        ),
        (
            "empty list",
            domains(json!([])),
            &["domains", "there is none", "www.example.com"],
        ),
        ("empty string", domains(json!("")), &["domains", "there is none"]),
        ("blank string", domains(json!("  ")), &["domains", "there is none"]),
        (
            "empty entry",
            domains(json!(["a.example.com", ""])),
            &["domains", "empty entry"],
        ),
        (
            "comma at the end",
            domains(json!("a.example.com,")),
            &["domains: \"a.example.com,\"", "empty entry"],
        ),
        (
            "101 domains",
            domains(json!(many)),
            &["domains", "there are 101", "at most 100"],
        ),
        (
            "twice",
            domains(json!(["a.example.com", "b.example.com", "a.example.com"])),
            &["\"a.example.com\" appears twice"],
        ),
        (
            "twice by capitals",
            domains(json!(["A.example.com", "a.EXAMPLE.com"])),
            &["\"a.example.com\" appears twice"],
        ),
        (
            "twice by dot",
            domains(json!("a.example.com, a.example.com.")),
            &["\"a.example.com\" appears twice"],
        ),
        (
            "twice by IDNA",
            domains(json!(["bücher.example.com", "xn--bcher-kva.example.com"])),
            &["\"xn--bcher-kva.example.com\" appears twice"],
        ),
        (
            "scheme",
            domains(json!(["https://www.example.com/x"])),
            &[
                "domains: \"https://www.example.com/x\" has a scheme",
                "leave out \"https://\"",
                "alone: \"www.example.com\"",
            ],
        ),
        (
            "path",
            domains(json!(["www.example.com/x"])),
            &["has a path", "alone: \"www.example.com\""],
        ),
        (
            "query",
            domains(json!(["www.example.com?x=1"])),
            &["has a path", "alone: \"www.example.com\""],
        ),
        (
            "port",
            domains(json!(["www.example.com:443"])),
            &["\"www.example.com:443\" has a port", "alone: \"www.example.com\""],
        ),
        (
            "e-mail",
            domains(json!(["me@example.com"])),
            &["\"me@example.com\" has an @", "host name alone"],
        ),
        (
            "wildcard inside",
            domains(json!(["www.*.com"])),
            &["\"www.*.com\" has a * where none may be", "as in \"*.example.com\""],
        ),
        (
            "wildcard of a part",
            domains(json!(["*shop.example.com"])),
            &["has a * where none may be"],
        ),
        (
            "wildcard of a wildcard",
            domains(json!(["*.*.example.com"])),
            &["\"*.*.example.com\" can't be a wildcard", "the character \"*\""],
        ),
        (
            "wildcard of everything",
            domains(json!(["*.com"])),
            &["\"*.com\" can't be a wildcard", "\"com\" has no dot"],
        ),
        (
            "nothing but a wildcard",
            domains(json!(["*"])),
            &["\"*\" has a * where none may be"],
        ),
        (
            "wildcard and a name that it stands for",
            domains(json!("www.example.com, *.EXAMPLE.com")),
            &[
                "\"*.example.com\" stands for \"www.example.com\" too",
                "leave \"www.example.com\" out",
            ],
        ),
        (
            "IPv4",
            domains(json!(["192.0.2.7"])),
            &["\"192.0.2.7\" is an IP address", "host name"],
        ),
        (
            "IPv6",
            domains(json!(["2001:db8::1"])),
            &["\"2001:db8::1\" is an IP address"],
        ),
        (
            "IPv6 in brackets",
            domains(json!(["[2001:db8::1]"])),
            &["is an IP address"],
        ),
        (
            "fullwidth IPv4",
            domains(json!(["１９２.0.2.7"])),
            &["ends in \"7\"", "no top-level domain"],
        ),
        (
            "underscore",
            domains(json!(["my_app.example.com"])),
            &["\"my_app.example.com\" has an underscore", "hyphens"],
        ),
        (
            "space",
            domains(json!(["a.example.com b.example.com"])),
            &["has a space", "commas"],
        ),
        (
            "newline",
            domains(json!(["a.exa\nmple.com"])),
            &["\"a.exa\\nmple.com\"", "control character"],
        ),
        (
            "NUL",
            domains(json!(["a\u{0}.example.com"])),
            &["\\0", "control character"],
        ),
        (
            "one label",
            domains(json!(["localhost"])),
            &["\"localhost\" has no dot", "full domain name"],
        ),
        ("only a dot", domains(json!(["."])), &["\".\"", "empty part"]),
        (
            "two dots",
            domains(json!(["www..example.com"])),
            &["\"www..example.com\" has an empty part"],
        ),
        (
            "leading dot",
            domains(json!([".example.com"])),
            &["\".example.com\" has an empty part"],
        ),
        (
            "two dots at the end",
            domains(json!(["example.com.."])),
            &["has an empty part"],
        ),
        ("long label", domains(json!([label])), &["64 characters", "at most 63"]),
        (
            "long name",
            domains(json!([long])),
            &["has 263 characters", "at most 253"],
        ),
        (
            "hyphen first",
            domains(json!(["-a.example.com"])),
            &["\"-a\"", "hyphen at its start or end"],
        ),
        (
            "hyphen last",
            domains(json!(["a-.example.com"])),
            &["\"a-\"", "hyphen at its start or end"],
        ),
        (
            "reserved hyphens",
            domains(json!(["ab--c.example.com"])),
            &["\"ab--c\"", "third and fourth"],
        ),
        (
            "odd character",
            domains(json!(["a!b.example.com"])),
            &["the character \"!\"", "letters, digits, hyphens"],
        ),
        (
            "percent",
            domains(json!(["a%41.example.com"])),
            &["the character \"%\""],
        ),
        (
            "bad punycode",
            domains(json!(["xn--a.example.com"])),
            &["\"xn--a.example.com\"", "UTS #46"],
        ),
        (
            "emoji variation alone",
            domains(json!(["\u{fffd}.example.com"])),
            &["UTS #46"],
        ),
        (
            "one-letter top level",
            domains(json!(["example.c"])),
            &["ends in \"c\"", "top-level domain"],
        ),
        (
            "numeric top level",
            domains(json!(["example.123"])),
            &["ends in \"123\"", "top-level domain"],
        ),
        (
            "public suffix",
            domains(json!(["co.uk"])),
            &["domains: \"co.uk\" is a public suffix", "\"www.yours.co.uk\""],
        ),
        (
            "wildcard of a public suffix",
            domains(json!("*.com.au")),
            &["\"*.com.au\" is a public suffix"],
        ),
        (
            "local name",
            domains(json!(["printer.local"])),
            &["\"printer.local\" ends in .local", "not in the public DNS"],
        ),
        (
            "private network's name",
            domains(json!(["*.apps.internal"])),
            &["ends in .internal", "private networks"],
        ),
        (
            "name for tests",
            domains(json!(["www.shop.test"])),
            &["ends in .test", "RFC 6761"],
        ),
        ("onion", domains(json!(["abc.onion"])), &["ends in .onion", "Tor"]),
        (
            "CloudFront's name",
            domains(json!(["d111111abcdef8.cloudfront.net"])),
            &["is CloudFront's own", "CNAME"],
        ),
        (
            "zero width space",
            domains(json!(["www.exa\u{200b}mple.com"])),
            &[
                "a zero width space (U+200B) as character 8",
                "write \"www.example.com\"",
            ],
        ),
        (
            "smart quotes around a wildcard",
            domains(json!("“*.example.com”")),
            &[
                "a left double quotation mark (U+201C) as character 1",
                "write \"*.example.com\"",
            ],
        ),
        (
            "dash in punycode",
            domains(json!(["xn--myshop-xg0c.com"])),
            &["stands for \"my–shop.com\"", "an en dash (U+2013) as character 3"],
        ),
        (
            "long value is cut",
            domains(json!([cut])),
            &["xxx…\" has a scheme", "such as www.example.com"],
        ),
        (
            "script",
            domains(json!(["<script>alert(1)</script>"])),
            &["has a path", "such as www.example.com"],
        ),
    ]
}
