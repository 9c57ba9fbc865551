//! What a distribution is set to, in words, parameter by parameter. What only the plan sets isn't shown.

use std::collections::BTreeMap;

use time::Duration;

use crate::instance::{Cookies, InstanceSettings, PriceClass};
use crate::shown::lasting;

/// A setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The parameter that sets it.
    pub parameter: &'static str,
    /// What it is set to.
    pub says: String,
}

/// All settings that a user can choose, the defaults included.
pub(super) fn in_words(settings: &InstanceSettings) -> Vec<Setting> {
    // A new setting doesn't compile before it is decided whether it is shown.
    let InstanceSettings {
        origin,
        path,
        insecure_origin,
        forward_headers,
        forward_cookies,
        default_ttl,
        error_responses,
        cache_policy,
        origin_request_policy,
        response_headers_policy,
        price_class,
        compress,
        http3,
        failover_origin,
        redirect_to,
        access_logs: _,
        certificate_key_type: _,
        certificate_authorities: _,
    } = settings;
    let mut all = Vec::new();
    let mut set = |parameter, says: String| all.push(Setting { parameter, says });
    let scheme = if *insecure_origin { "http" } else { "https" };
    set("origin", format!("CloudFront fetches from {scheme}://{origin}{path}"));
    if let Some(host) = failover_origin {
        set(
            "failover_origin",
            format!("{host} is asked when the origin can't be reached, is too slow or answers 5xx"),
        );
    }
    if let Some(host) = redirect_to {
        set(
            "redirect_to",
            format!("Requests for any other host are redirected to {host}"),
        );
    }
    match cache_policy {
        Some(policy) => {
            set("cache_policy", format!("CloudFront's {}", policy.name));
            let passed = match origin_request_policy {
                Some(policy) => format!(
                    "Passed to the origin beside the cache key: CloudFront's {}",
                    policy.name
                ),
                None => "Nothing is passed to the origin beside the cache key".to_owned(),
            };
            set("origin_request_policy", passed);
        }
        None => {
            set("forward_headers", headers(forward_headers));
            set("forward_cookies", cookies(forward_cookies));
            set("default_ttl", ttl(*default_ttl));
        }
    }
    if let Some(policy) = response_headers_policy {
        set("response_headers_policy", format!("CloudFront's {}", policy.name));
    }
    if !error_responses.is_empty() {
        set("error_responses", pages(error_responses));
    }
    set("price_class", edges(*price_class).to_owned());
    set("compress", compression(*compress).to_owned());
    set("http3", protocols(*http3).to_owned());
    all
}

fn headers(names: &[String]) -> String {
    match names {
        [] => "No header of a request is passed to the origin".to_owned(),
        [all] if all == "*" => "Every header of a request is passed to the origin".to_owned(),
        names => format!("Headers passed to the origin: {}", names.join(", ")),
    }
}

fn cookies(cookies: &Cookies) -> String {
    match cookies {
        Cookies::All => "Every cookie is passed to the origin".to_owned(),
        Cookies::None => "No cookie is passed to the origin".to_owned(),
        Cookies::Only(names) => format!("Cookies passed to the origin: {}", names.join(", ")),
    }
}

fn ttl(seconds: u32) -> String {
    match seconds {
        0 => "Responses without Cache-Control are not cached".to_owned(),
        seconds => format!(
            "Responses without Cache-Control are cached for {}",
            lasting(Duration::seconds(seconds.into()))
        ),
    }
}

fn pages(pages: &BTreeMap<u16, String>) -> String {
    let each: Vec<String> = pages.iter().map(|(status, path)| format!("{status}: {path}")).collect();
    each.join(", ")
}

fn edges(class: Option<PriceClass>) -> &'static str {
    match class {
        None => "Served where your operator decided",
        Some(PriceClass::Class100) => "Served in North America, Europe and Israel",
        Some(PriceClass::Class200) => "Served in most of the world",
        Some(PriceClass::All) => "Served everywhere",
    }
}

fn compression(is_on: bool) -> &'static str {
    match is_on {
        true => "Responses are compressed at the edge",
        false => "Responses are not compressed at the edge",
    }
}

fn protocols(http3: bool) -> &'static str {
    match http3 {
        true => "HTTP/3 is offered in addition to HTTP/2",
        false => "HTTP/2 is offered, HTTP/3 is not",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access_logs::AccessLogs;
    use crate::managed;

    fn said(settings: &InstanceSettings) -> Vec<String> {
        let all = in_words(settings).into_iter();
        all.map(|setting| format!("{}: {}", setting.parameter, setting.says))
            .collect()
    }

    #[test]
    fn defaults_are_said_and_what_only_the_plan_sets_is_not() {
        let settings = InstanceSettings {
            origin: "app.example.org".to_owned(),
            access_logs: Some(AccessLogs {
                bucket: "logs.example.org".to_owned(),
                prefix: String::new(),
                include_cookies: false,
            }),
            certificate_authorities: vec!["a-secret-ca".to_owned()],
            ..InstanceSettings::default()
        };
        let said = said(&settings);
        let expected = [
            "origin: CloudFront fetches from https://app.example.org",
            "forward_headers: No header of a request is passed to the origin",
            "forward_cookies: Every cookie is passed to the origin",
            "default_ttl: Responses without Cache-Control are cached for 1 d",
            "price_class: Served where your operator decided",
            "compress: Responses are compressed at the edge",
            "http3: HTTP/2 is offered, HTTP/3 is not",
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn policies_take_the_place_of_what_they_replace() {
        let settings = InstanceSettings {
            origin: "app.example.org".to_owned(),
            path: "/shop".to_owned(),
            insecure_origin: true,
            cache_policy: Some(managed::CACHING_DISABLED),
            error_responses: [(404, "/lost.html".to_owned())].into(),
            redirect_to: Some("www.example.com".to_owned()),
            ..InstanceSettings::default()
        };
        let said = said(&settings).join("\n");
        for line in [
            "origin: CloudFront fetches from http://app.example.org/shop",
            "redirect_to: Requests for any other host are redirected to www.example.com",
            "cache_policy: CloudFront's Managed-CachingDisabled",
            "origin_request_policy: Nothing is passed to the origin beside the cache key",
            "error_responses: 404: /lost.html",
        ] {
            assert!(said.contains(line), "{line}: {said}");
        }
        assert!(!said.contains("default_ttl"), "{said}");
    }
}
