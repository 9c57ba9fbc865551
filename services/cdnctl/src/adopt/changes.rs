//! What the adoption's write to a distribution changes, apart from its parameters. Pure.

use aws_sdk_cloudfront::types::{DistributionConfig, ViewerProtocolPolicy};
use pipeline::proof::CHALLENGE_PATH;

/// One sentence for each change. Whatever isn't named here and isn't a parameter is preserved.
pub(super) fn all(config: &DistributionConfig, of_parameters: Vec<String>) -> Vec<String> {
    let mut all = vec![
        "the certificate, and the oldest TLS that browsers may speak: as the broker has it (MINIMUM_TLS_VERSION)"
            .to_owned(),
        format!("{CHALLENGE_PATH}* is answered by the broker"),
    ];
    if let Some(behavior) = &config.default_cache_behavior
        && behavior.viewer_protocol_policy != ViewerProtocolPolicy::RedirectToHttps
    {
        all.push("visitors by plain HTTP are redirected to HTTPS".to_owned());
    }
    all.extend(of_parameters);
    let others = config.cache_behaviors.iter().flat_map(|behaviors| behaviors.items());
    let paths: Vec<&str> = others.map(|behavior| behavior.path_pattern.as_str()).collect();
    if !paths.is_empty() {
        all.push(format!(
            "nothing for {}: other behaviors stay; only you change them",
            paths.join(", ")
        ));
    }
    all
}

#[cfg(test)]
pub(super) mod tests {
    use aws_sdk_cloudfront::types::{
        Aliases, CookieNames, CookiePreference, CustomOriginConfig, DefaultCacheBehavior, ForwardedValues, Headers,
        ItemSelection, Origin, OriginProtocolPolicy, Origins, PriceClass,
    };
    use parameters::cloudfront::adopt;
    use pipeline::managed::{CACHE, ORIGIN_REQUEST};
    use serde_json::json;

    use super::*;

    /// A distribution such as earlier brokers created.
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

    fn told(config: &DistributionConfig) -> String {
        all(config, adopt(config).changes).join("\n")
    }

    #[test]
    fn an_old_brokers_distribution_is_told_in_parameters() {
        let config = distribution(&["www.example.com", "Example.com"]);
        assert_eq!(
            adopt(&config).parameters,
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
        let told = told(&distribution(&["www.example.com"]));
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
        let parameters = adopt(&config).parameters;
        assert_eq!(parameters["cache_policy"], "Managed-CachingDisabled");
        assert_eq!(parameters["origin_request_policy"], "Managed-AllViewer");
        assert_eq!(parameters.get("forward_headers"), None);
        assert_eq!(parameters.get("response_headers_policy"), None);
        let told = told(&config);
        assert!(
            told.contains("its response headers policy mine can't be named by a parameter"),
            "{told}"
        );
    }
}
