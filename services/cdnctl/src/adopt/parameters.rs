//! The parameters that make an instance like a distribution, and what will be otherwise all the same. Pure.

use aws_sdk_cloudfront::types::{
    DefaultCacheBehavior, DistributionConfig, ItemSelection, Method, Origin, OriginProtocolPolicy, ViewerProtocolPolicy,
};
use pipeline::domain::CHALLENGE_PATH;
use pipeline::instance::DAY;
use pipeline::managed::{CACHE, Managed, ORIGIN_REQUEST, RESPONSE_HEADERS};
use serde_json::{Map, Value, json};

/// CloudFront passes at most so many headers to an origin.
const MOST_HEADERS: usize = 10;

/// Its aliases, sorted.
pub(super) fn aliases(config: &DistributionConfig) -> Vec<String> {
    let all = config.aliases.iter().flat_map(|aliases| aliases.items());
    let mut aliases: Vec<String> = all.map(|alias| alias.to_ascii_lowercase()).collect();
    aliases.sort();
    aliases
}

/// The origin of the default behavior, and the one behind it.
pub(super) fn origins(config: &DistributionConfig) -> Option<(&Origin, Option<&Origin>)> {
    let target = &config.default_cache_behavior.as_ref()?.target_origin_id;
    let origin = |id: &str| config.origins.as_ref()?.items.iter().find(|origin| origin.id == id);
    if let Some(alone) = origin(target) {
        return Some((alone, None));
    }
    let groups = config.origin_groups.as_ref()?.items();
    let group = groups.iter().find(|group| group.id == *target)?;
    let mut members = group
        .members
        .as_ref()?
        .items
        .iter()
        .map(|member| origin(&member.origin_id));
    Some((members.next()??, members.next().flatten()))
}

fn managed(id: Option<&str>, among: &[Managed]) -> Option<Managed> {
    among.iter().copied().find(|policy| Some(policy.id) == id)
}

/// As `cf create-service -c` takes them; what is as ever is left out.
pub(super) fn of(config: &DistributionConfig) -> Value {
    let mut all = Map::new();
    let mut put = |key: &str, value: Value| all.insert(key.to_owned(), value);
    put("domains", json!(aliases(config)));
    if let Some((origin, failover)) = origins(config) {
        put("origin", json!(origin.domain_name));
        if let Some(path) = origin.origin_path.as_deref().filter(|path| !path.is_empty()) {
            put("path", json!(path));
        }
        if by(origin) == Some(&OriginProtocolPolicy::HttpOnly) {
            put("insecure_origin", json!(true));
        }
        if let Some(failover) = failover {
            put("failover_origin", json!(failover.domain_name));
        }
    }
    if let Some(behavior) = &config.default_cache_behavior {
        let cache = managed(behavior.cache_policy_id.as_deref(), &CACHE);
        match cache {
            Some(policy) => {
                put("cache_policy", json!(policy.name));
                if let Some(policy) = managed(behavior.origin_request_policy_id.as_deref(), &ORIGIN_REQUEST) {
                    put("origin_request_policy", json!(policy.name));
                }
            }
            None => {
                put("forward_headers", json!(headers(behavior)));
                put("forward_cookies", cookies(behavior));
                let ttl = default_ttl(behavior);
                if ttl != i64::from(DAY) {
                    put("default_ttl", json!(ttl));
                }
            }
        }
        if let Some(policy) = managed(behavior.response_headers_policy_id.as_deref(), &RESPONSE_HEADERS) {
            put("response_headers_policy", json!(policy.name));
        }
        if behavior.compress == Some(false) {
            put("compress", json!(false));
        }
    }
    if let Some(class) = &config.price_class {
        put("price_class", json!(class.as_str()));
    }
    if config
        .http_version
        .as_ref()
        .is_some_and(|version| version.as_str().contains('3'))
    {
        put("http3", json!(true));
    }
    let pages = config.custom_error_responses.iter().flat_map(|pages| pages.items());
    let pages: Map<String, Value> = pages
        .filter_map(|page| Some((page.error_code.to_string(), json!(page.response_page_path.as_ref()?))))
        .collect();
    if !pages.is_empty() {
        put("error_responses", Value::Object(pages));
    }
    Value::Object(all)
}

#[expect(deprecated, reason = "what older brokers wrote")]
fn headers(behavior: &DefaultCacheBehavior) -> Vec<String> {
    let headers = behavior
        .forwarded_values
        .as_ref()
        .and_then(|values| values.headers.as_ref());
    let headers = headers.map(|headers| headers.items().to_vec()).unwrap_or_default();
    headers.into_iter().take(MOST_HEADERS).collect()
}

#[expect(deprecated, reason = "what older brokers wrote")]
fn cookies(behavior: &DefaultCacheBehavior) -> Value {
    let cookies = behavior
        .forwarded_values
        .as_ref()
        .and_then(|values| values.cookies.as_ref());
    match cookies.map(|cookies| (&cookies.forward, &cookies.whitelisted_names)) {
        Some((ItemSelection::All, _)) => json!("*"),
        Some((ItemSelection::Whitelist, Some(names))) => json!(names.items),
        _ => json!(""),
    }
}

#[expect(deprecated, reason = "what older brokers wrote")]
fn default_ttl(behavior: &DefaultCacheBehavior) -> i64 {
    behavior.default_ttl.unwrap_or(i64::from(DAY))
}

fn by(origin: &Origin) -> Option<&OriginProtocolPolicy> {
    let custom = origin.custom_origin_config.as_ref()?;
    Some(&custom.origin_protocol_policy)
}

/// What the one write changes that parameters don't tell. What isn't named here and isn't a parameter stays as it is.
pub(super) fn changes(config: &DistributionConfig) -> Vec<String> {
    let mut all = vec![
        "the certificate, and the oldest TLS that browsers may speak: as the broker has it (MINIMUM_TLS_VERSION)"
            .to_owned(),
        format!("{CHALLENGE_PATH}* is answered by the broker"),
    ];
    if let Some((origin, _)) = origins(config) {
        match by(origin) {
            Some(OriginProtocolPolicy::HttpOnly | OriginProtocolPolicy::HttpsOnly) | None => {}
            Some(_) => all.push(format!(
                "{} is fetched from by HTTPS only, however visitors come; insecure_origin: true means HTTP only",
                origin.domain_name
            )),
        }
    }
    if let Some(behavior) = &config.default_cache_behavior {
        all.extend(of_default(behavior));
    }
    let others = config.cache_behaviors.iter().flat_map(|behaviors| behaviors.items());
    let paths: Vec<&str> = others.map(|behavior| behavior.path_pattern.as_str()).collect();
    if !paths.is_empty() {
        all.push(format!(
            "nothing for {}: other behaviors stay, and are nobody's to change but yours",
            paths.join(", ")
        ));
    }
    all
}

#[expect(deprecated, reason = "what older brokers wrote")]
fn of_default(behavior: &DefaultCacheBehavior) -> Vec<String> {
    let mut all = Vec::new();
    if behavior.viewer_protocol_policy != ViewerProtocolPolicy::RedirectToHttps {
        all.push("visitors by plain HTTP are redirected to HTTPS".to_owned());
    }
    let unknown = |id: &Option<String>, among: &[Managed]| {
        let id = id.as_deref().filter(|id| managed(Some(id), among).is_none())?;
        Some(id.to_owned())
    };
    for (what, id) in [
        ("cache policy", unknown(&behavior.cache_policy_id, &CACHE)),
        (
            "origin request policy",
            unknown(&behavior.origin_request_policy_id, &ORIGIN_REQUEST),
        ),
        (
            "response headers policy",
            unknown(&behavior.response_headers_policy_id, &RESPONSE_HEADERS),
        ),
    ] {
        if let Some(id) = id {
            all.push(format!(
                "its {what} {id} is none that a parameter names, and goes: say what takes its place"
            ));
        }
    }
    if let Some(values) = &behavior.forwarded_values {
        if !values.query_string {
            all.push("query strings are passed to the origin, and are part of what is kept apart".to_owned());
        }
        if values
            .headers
            .as_ref()
            .is_some_and(|headers| headers.items().len() > MOST_HEADERS)
        {
            all.push(format!(
                "only the first {MOST_HEADERS} of its headers are passed to the origin"
            ));
        }
    }
    let methods = behavior
        .allowed_methods
        .as_ref()
        .map(|methods| methods.items.as_slice());
    if !methods.unwrap_or_default().contains(&Method::Post) {
        all.push("every method is passed to the origin, POST and DELETE too".to_owned());
    }
    all
}

#[cfg(test)]
pub(super) mod tests {
    use aws_sdk_cloudfront::types::{
        Aliases, CookieNames, CookiePreference, CustomOriginConfig, ForwardedValues, Headers, Origins, PriceClass,
    };

    use super::*;

    /// As the brokers before made them.
    #[expect(deprecated, reason = "what older brokers wrote")]
    pub(in super::super) fn distribution(aliases: &[&str]) -> DistributionConfig {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let custom = CustomOriginConfig::builder()
            .http_port(80)
            .https_port(443)
            .origin_protocol_policy(OriginProtocolPolicy::MatchViewer);
        let origin = Origin::builder()
            .id("cdn-route-1")
            .domain_name("router.example.org")
            .origin_path("/shop")
            .custom_origin_config(custom.build().unwrap());
        let cookies = CookiePreference::builder()
            .forward(ItemSelection::Whitelist)
            .whitelisted_names(CookieNames::builder().quantity(1).items("session").build().unwrap());
        let headers = Headers::builder().quantity(1).items("Host").build().unwrap();
        let behavior = DefaultCacheBehavior::builder()
            .target_origin_id("cdn-route-1")
            .viewer_protocol_policy(ViewerProtocolPolicy::AllowAll)
            .forwarded_values(
                ForwardedValues::builder()
                    .query_string(false)
                    .cookies(cookies.build().unwrap())
                    .headers(headers)
                    .build()
                    .unwrap(),
            )
            .default_ttl(0)
            .min_ttl(0);
        DistributionConfig::builder()
            .caller_reference("cdn-route-1")
            .comment("cdn route service 1")
            .enabled(true)
            .price_class(PriceClass::PriceClass100)
            .aliases(
                Aliases::builder()
                    .quantity(i32::try_from(aliases.len()).unwrap())
                    .set_items(Some(names(aliases)))
                    .build()
                    .unwrap(),
            )
            .origins(
                Origins::builder()
                    .quantity(1)
                    .items(origin.build().unwrap())
                    .build()
                    .unwrap(),
            )
            .default_cache_behavior(behavior.build().unwrap())
            .build()
            .unwrap()
    }

    #[test]
    fn an_old_brokers_distribution_is_told_in_parameters() {
        let config = distribution(&["www.example.com", "Example.com"]);
        assert_eq!(
            of(&config),
            json!({
                "domains": ["example.com", "www.example.com"],
                "origin": "router.example.org",
                "path": "/shop",
                "forward_headers": ["Host"],
                "forward_cookies": ["session"],
                "default_ttl": 0,
                "price_class": "PriceClass_100",
            })
        );
    }

    #[test]
    fn what_no_parameter_tells_is_told() {
        let told = changes(&distribution(&["www.example.com"])).join("\n");
        for words in [
            "MINIMUM_TLS_VERSION",
            "/.well-known/acme-challenge/* is answered by the broker",
            "router.example.org is fetched from by HTTPS only",
            "redirected to HTTPS",
            "query strings are passed",
            "POST and DELETE too",
        ] {
            assert!(told.contains(words), "{words:?} is not in {told}");
        }
    }

    #[test]
    fn managed_policies_are_named_and_others_told() {
        let mut config = distribution(&["www.example.com"]);
        let behavior = config.default_cache_behavior.as_mut().unwrap();
        behavior.cache_policy_id = Some(CACHE[2].id.to_owned());
        behavior.origin_request_policy_id = Some(ORIGIN_REQUEST[0].id.to_owned());
        behavior.response_headers_policy_id = Some("mine".to_owned());
        let parameters = of(&config);
        assert_eq!(parameters["cache_policy"], "Managed-CachingDisabled");
        assert_eq!(parameters["origin_request_policy"], "Managed-AllViewer");
        assert_eq!(parameters.get("forward_headers"), None);
        assert_eq!(parameters.get("response_headers_policy"), None);
        let told = changes(&config).join("\n");
        assert!(
            told.contains("its response headers policy mine is none that a parameter names"),
            "{told}"
        );
    }
}
