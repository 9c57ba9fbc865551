//! Tables: what is accepted, and what is refused with which words.

use serde_json::{Value, json};

use crate::bad_input::{
    BadParameters, bad_parameters, bad_parameters_with_default_origin, bad_parameters_without_default_origin,
};
use crate::parse;

const ROUTER: Option<&str> = Some("router.example.net");

fn refused(table: Vec<BadParameters>, default_origin: Option<&str>) {
    let mut faults = Vec::new();
    for (name, parameters, must_contain) in table {
        match parse(Some(&parameters), default_origin) {
            Ok(parsed) => faults.push(format!("{name}: taken as {parsed:?}")),
            Err(error) => {
                let text = error.to_string();
                for words in must_contain {
                    if !text.contains(words) {
                        faults.push(format!("{name}: no {words:?} in: {text}"));
                    }
                }
                if text.len() > 800 || text.contains(char::is_control) {
                    faults.push(format!("{name}: too long or not printable: {text:?}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn bad_parameters_are_refused_with_words_that_help() {
    assert!(bad_parameters().len() >= 60);
    refused(bad_parameters(), ROUTER);
    refused(bad_parameters(), None);
    refused(bad_parameters_with_default_origin(), ROUTER);
    refused(bad_parameters_without_default_origin(), None);
}

#[test]
fn names_in_the_table_are_unique() {
    let mut names: Vec<_> = bad_parameters().into_iter().map(|(name, ..)| name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}

fn normalised(parameters: Value, default_origin: Option<&str>) -> Value {
    parse(Some(&parameters), default_origin)
        .unwrap_or_else(|error| panic!("{parameters}: {error}"))
        .normalised()
}

#[test]
fn domains_in_all_forms_become_one() {
    for (given, domains) in [
        (json!({"domains": ["www.example.com"]}), json!(["www.example.com"])),
        (json!({"domain": "www.example.com"}), json!(["www.example.com"])),
        (
            json!({"domain": "b.example.com, a.example.com"}),
            json!(["a.example.com", "b.example.com"]),
        ),
        (
            json!({"domains": " WWW.Example.COM. ", "domain": null}),
            json!(["www.example.com"]),
        ),
        (
            json!({"domains": ["Bücher.example.com", "faß.de"]}),
            json!(["xn--bcher-kva.example.com", "xn--fa-hia.de"]),
        ),
        (json!({"domains": ["例え.テスト"]}), json!(["xn--r8jz45g.xn--zckzah"])),
        (json!({"domains": ["ＷＷＷ。example。com"]}), json!(["www.example.com"])),
        (
            json!({"domains": ["xn--bcher-kva.example.com"]}),
            json!(["xn--bcher-kva.example.com"]),
        ),
        (
            json!({"domains": ["3com.example.com", "a-b.1-2.example.com"]}),
            json!(["3com.example.com", "a-b.1-2.example.com"]),
        ),
    ] {
        assert_eq!(normalised(given.clone(), ROUTER)["domains"], domains, "{given}");
    }
    let hundred: Vec<String> = (0..100).map(|n| format!("d{n}.example.com")).collect();
    let parsed = parse(Some(&json!({"domains": hundred})), ROUTER).unwrap();
    assert_eq!(parsed.domains.len(), 100);
    let longest = format!(
        "{}.{}.{}.{}.com",
        "a".repeat(63),
        "b".repeat(63),
        "c".repeat(63),
        "d".repeat(57)
    );
    assert_eq!(longest.len(), 253);
    assert_eq!(normalised(json!({"domains": longest}), ROUTER)["domains"][0], longest);
}

#[test]
fn defaults_are_those_of_the_brokers_before() {
    let with_router = normalised(json!({"domains": ["www.example.com"]}), ROUTER);
    insta::assert_snapshot!(with_router, @r#"{"domains":["www.example.com"],"forward_cookies":"*","forward_headers":["HOST"],"insecure_origin":false,"origin":"router.example.net","path":""}"#);
    let own = json!({"domains": ["www.example.com"], "origin": "App.Example.org."});
    insta::assert_snapshot!(normalised(own, None), @r#"{"domains":["www.example.com"],"forward_cookies":"*","forward_headers":[],"insecure_origin":false,"origin":"app.example.org","path":""}"#);
}

#[test]
fn old_and_new_forms_mean_the_same() {
    let eighteen_f = json!({
        "domain": "www.example.com,example.com", "origin": "app.example.org", "path": "/folder", "insecure_origin": true,
        "cookies": false, "headers": ["Accept", "Authorization"],
    });
    let edb = json!({
        "domains": ["example.com", "www.example.com"], "origin": "app.example.org", "path": "/folder",
        "insecure_origin": true, "forward_cookies": "", "forward_headers": "authorization,accept",
    });
    assert_eq!(normalised(eighteen_f, ROUTER), normalised(edb, ROUTER));
    for (key, value, field, becomes) in [
        ("cookies", json!(true), "forward_cookies", json!("*")),
        ("forward_cookies", json!(["*"]), "forward_cookies", json!("*")),
        ("forward_cookies", json!([]), "forward_cookies", json!("")),
        ("forward_cookies", json!("b, a"), "forward_cookies", json!(["a", "b"])),
        (
            "forward_cookies",
            json!(["A", "a"]),
            "forward_cookies",
            json!(["A", "a"]),
        ),
        ("forward_headers", json!("*"), "forward_headers", json!(["*"])),
        ("headers", json!(["*"]), "forward_headers", json!(["*"])),
        ("forward_headers", json!(""), "forward_headers", json!(["HOST"])),
        (
            "forward_headers",
            json!("Host, accept"),
            "forward_headers",
            json!(["ACCEPT", "HOST"]),
        ),
        ("origin", json!(""), "origin", json!("router.example.net")),
        (
            "origin",
            json!("router.example.net"),
            "forward_headers",
            json!(["HOST"]),
        ),
        ("path", json!("/a%20b/~c"), "path", json!("/a%20b/~c")),
        ("path", json!(null), "path", json!("")),
        ("insecure_origin", json!(null), "insecure_origin", json!(false)),
    ] {
        let mut parameters = json!({"domains": ["www.example.com"]});
        parameters[key] = value;
        assert_eq!(normalised(parameters.clone(), ROUTER)[field], becomes, "{parameters}");
    }
    let ten: Vec<String> = (1..=10).map(|n| format!("X-{n}")).collect();
    let own = json!({"domains": ["www.example.com"], "origin": "app.example.org", "forward_headers": ten});
    assert_eq!(normalised(own, ROUTER)["forward_headers"].as_array().unwrap().len(), 10);
    let nine = json!({"domains": ["www.example.com"], "forward_headers": &ten[1..]});
    assert_eq!(
        normalised(nine, ROUTER)["forward_headers"].as_array().unwrap().len(),
        10
    );
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = |parameters: Value| parse(Some(&parameters), None).unwrap_err().to_string();
    let many = json!({
        "domains": ["www.example.com", "https://a.example.com", "b_c.example.com", "co.uk", "d.example.com", "D.example.com", 5],
        "path": "folder",
        "cookies": "true",
        "insecure_origin": "true",
        "hsts": true,
        "response_headers_policy": "Managed-SimpleCORS",
        "lambda": 1,
    });
    let told = text(many);
    for words in [
        "domains: 5 (a number) in the list is not a string",
        "domains: \"https://a.example.com\" has a scheme",
        "domains: \"b_c.example.com\" has an underscore",
        "domains: \"d.example.com\" appears twice",
        "domains: \"co.uk\" is a public suffix",
        "path: \"folder\"",
        "cookies: \"true\" is not a boolean",
        "insecure_origin: \"true\" is not a boolean",
        "hsts: true is given together with response_headers_policy",
        "parameters: there is no parameter \"lambda\"",
        "origin: it is missing",
    ] {
        assert_eq!(told.matches(words).count(), 1, "{words}: {told}");
    }
    // Consequences of a value that is already wrong are not reported.
    assert_eq!(text(json!({"domains": 1, "origin": 2})).matches(": ").count(), 2);
    insta::assert_snapshot!(text(json!({
        "domains": ["https://a.example.com", "b_c.example.com", "co.uk", "*.d.example.com", "x.d.example.com", "e.example.com", "E.example.com"],
        "origin": "app.apps.internal",
    })), @r#"domains: "https://a.example.com" has a scheme; leave out "https://" and write the host name alone: "a.example.com". domains: "b_c.example.com" has an underscore; a host name has letters, digits, hyphens and dots only. domains: "e.example.com" appears twice (upper and lower case, a dot at the end and IDNA forms are the same); write it once. domains: "*.d.example.com" stands for "x.d.example.com" too, and no certificate holds both; leave "x.d.example.com" out. domains: "co.uk" is a public suffix (publicsuffix.org): the names below it belong to many owners, so no CA issues for it; write one of your own, such as "www.yours.co.uk". origin: "app.apps.internal" ends in .internal, which is reserved for private networks (ICANN, 2024) and not in the public DNS; write a name that is."#);
    let hundred: Vec<String> = (0..100)
        .map(|n| format!("-{n}-{}.example.com", "x".repeat(50)))
        .collect();
    let told = text(json!({"domains": hundred, "origin": "app.example.org"}));
    assert!(told.len() < 4100 && told.ends_with(" more."), "{}: {told}", told.len());
}

#[test]
fn the_texts_as_users_read_them() {
    let text = |parameters: Value| parse(Some(&parameters), ROUTER).unwrap_err().to_string();
    insta::assert_snapshot!(text(json!({})), @r#"domains: it is missing; write {"domains": ["www.example.com"]}."#);
    insta::assert_snapshot!(text(json!({"domains": ["https://www.example.com/shop"]})), @r#"domains: "https://www.example.com/shop" has a scheme; leave out "https://" and write the host name alone: "www.example.com"."#);
    insta::assert_snapshot!(text(json!({"domain": "*.example.com, www.example.com"})), @r#"domain: "*.example.com" stands for "www.example.com" too, and no certificate holds both; leave "www.example.com" out."#);
    insta::assert_snapshot!(text(json!({"domains": ["a.example.com", "A.example.com."]})), @r#"domains: "a.example.com" appears twice (upper and lower case, a dot at the end and IDNA forms are the same); write it once."#);
    insta::assert_snapshot!(text(json!({"domains": ["co.uk"]})), @r#"domains: "co.uk" is a public suffix (publicsuffix.org): the names below it belong to many owners, so no CA issues for it; write one of your own, such as "www.yours.co.uk"."#);
    insta::assert_snapshot!(text(json!({"domains": ["*.co.uk"]})), @r#"domains: "*.co.uk" is a public suffix (publicsuffix.org): the names below it belong to many owners, so no CA issues for it; write one of your own, such as "www.yours.co.uk"."#);
    insta::assert_snapshot!(text(json!({"domains": ["printer.local"]})), @r#"domains: "printer.local" ends in .local, which is reserved for the local network (RFC 6762) and not in the public DNS; write a name that is."#);
    insta::assert_snapshot!(text(json!({"domains": ["d111111abcdef8.cloudfront.net"]})), @r#"domains: "d111111abcdef8.cloudfront.net" is CloudFront's own; write the name that visitors are to use, whose CNAME leads there in the end."#);
    insta::assert_snapshot!(text(json!({"domains": ["www.exa\u{200b}mple.com"]})), @r#"domains: "www.exa\u{200b}mple.com" has a zero width space (U+200B) as character 8; write "www.example.com"."#);
    insta::assert_snapshot!(text(json!({"domains": "“www.example.com”"})), @r#"domains: "“www.example.com”" has a left double quotation mark (U+201C) as character 1; write "www.example.com"."#);
    insta::assert_snapshot!(text(json!({"domains": "www.example.com", "cookies": "true"})), @r#"cookies: "true" is not a boolean; write true without quotes, or ["true"] for a cookie of this name."#);
    insta::assert_snapshot!(text(json!({"domains": "www.example.com", "orign": "x"})), @r#"parameters: there is no parameter "orign"; did you mean "origin"? Known are cache_policy, compress, cookies, default_ttl, domain, domains, error_responses, failover_origin, forward_cookies, forward_headers, headers, hsts, http3, insecure_origin, notify, origin, origin_request_policy, path, price_class, redirect_to, response_headers_policy."#);
    insta::assert_snapshot!(text(json!({"domains": "www.example.com", "insecure_origin": "yes"})), @r#"insecure_origin: "yes" is not a boolean; write true or false, without quotes."#);
    insta::assert_snapshot!(text(json!({"domains": "www.example.com", "forward_headers": ["*", "Accept"]})), @r#"forward_headers: ["*","Accept"] (a list) has "*" together with others; "*" means all headers and stands alone."#);
}
