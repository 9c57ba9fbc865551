#![expect(deprecated, reason = "see default_behavior")]

use pipeline::Settings;

use super::*;

fn instance() -> Instance {
    Instance {
        id: "0a1b2c3d-instance".to_string(),
        tenant: "org/1".to_string(),
        settings: Settings {
            origin: "app.example.net".to_string(),
            path: "/shop".to_string(),
            insecure_origin: false,
            forward_headers: vec!["Host".to_string(), "Accept".to_string()],
            forward_cookies: Cookies::All,
        },
        distribution_id: None,
        distribution_domain: None,
        domains: vec!["www.example.com".to_string()],
    }
}

fn config(instance: &Instance) -> DistributionConfig {
    let responder = Responder {
        secure: false,
        host: "acme.example.org".to_string(),
        port: 8080,
    };
    distribution_config(instance, &responder, PriceClass::PriceClass100).unwrap()
}

#[test]
fn a_new_distribution_has_no_alias_and_cloudfronts_own_certificate() {
    let config = config(&instance());
    assert_eq!(config.caller_reference, "0a1b2c3d-instance");
    assert_eq!(config.comment, "cdn-broker 0a1b2c3d-instance");
    assert!(config.enabled);
    assert_eq!(config.is_ipv6_enabled, Some(true));
    assert_eq!(config.aliases.unwrap().quantity, 0);
    assert_eq!(
        config.viewer_certificate.unwrap().cloud_front_default_certificate,
        Some(true)
    );
}

#[test]
fn origins_are_fetched_as_the_user_and_the_responder_want() {
    let mut instance = instance();
    let origins = config(&instance).origins.unwrap();
    assert_eq!(origins.quantity, 2);
    let [users, responder] = origins.items.as_slice() else {
        panic!("two origins");
    };
    assert_eq!(users.domain_name, "app.example.net");
    assert_eq!(users.origin_path.as_deref(), Some("/shop"));
    let custom = users.custom_origin_config.as_ref().unwrap();
    assert_eq!(custom.origin_protocol_policy, OriginProtocolPolicy::HttpsOnly);
    assert_eq!((custom.http_port, custom.https_port), (80, 443));

    assert_eq!(responder.domain_name, "acme.example.org");
    assert_eq!(responder.origin_path.as_deref(), Some("/acme/org~2f.1"));
    let custom = responder.custom_origin_config.as_ref().unwrap();
    assert_eq!(custom.origin_protocol_policy, OriginProtocolPolicy::HttpOnly);
    assert_eq!((custom.http_port, custom.https_port), (8080, 443));

    instance.settings.insecure_origin = true;
    let origins = config(&instance).origins.unwrap();
    assert_eq!(
        origins.items[0]
            .custom_origin_config
            .as_ref()
            .unwrap()
            .origin_protocol_policy,
        OriginProtocolPolicy::HttpOnly
    );
}

#[test]
fn the_default_behaviour_forwards_what_the_user_set() {
    let mut instance = instance();
    let behavior = config(&instance).default_cache_behavior.unwrap();
    assert_eq!(behavior.target_origin_id, "origin");
    assert_eq!(behavior.viewer_protocol_policy, ViewerProtocolPolicy::RedirectToHttps);
    let methods = behavior.allowed_methods.unwrap();
    assert_eq!((methods.quantity, methods.items.len()), (7, 7));
    assert_eq!(methods.cached_methods.unwrap().quantity, 2);
    let forwarded = behavior.forwarded_values.unwrap();
    assert!(forwarded.query_string);
    let headers = forwarded.headers.unwrap();
    assert_eq!(headers.quantity, 2);
    assert_eq!(headers.items.unwrap(), ["Host", "Accept"]);
    assert_eq!(forwarded.cookies.unwrap().forward, ItemSelection::All);

    instance.settings.forward_headers = vec!["*".to_string()];
    instance.settings.forward_cookies = Cookies::Only(vec!["session".to_string()]);
    let forwarded = config(&instance)
        .default_cache_behavior
        .unwrap()
        .forwarded_values
        .unwrap();
    assert_eq!(forwarded.headers.unwrap().items.unwrap(), ["*"]);
    let cookies = forwarded.cookies.unwrap();
    assert_eq!(cookies.forward, ItemSelection::Whitelist);
    assert_eq!(cookies.whitelisted_names.unwrap().quantity, 1);

    instance.settings.forward_headers.clear();
    instance.settings.forward_cookies = Cookies::Only(Vec::new());
    let forwarded = config(&instance)
        .default_cache_behavior
        .unwrap()
        .forwarded_values
        .unwrap();
    assert_eq!(forwarded.headers.unwrap().quantity, 0);
    assert_eq!(forwarded.cookies.unwrap().forward, ItemSelection::None);
}

#[test]
fn challenges_go_to_the_responder_uncached_and_by_plain_http() {
    let behaviors = config(&instance()).cache_behaviors.unwrap();
    assert_eq!(behaviors.quantity, 1);
    let behavior = &behaviors.items.unwrap()[0];
    assert_eq!(behavior.path_pattern, "/.well-known/acme-challenge/*");
    assert_eq!(behavior.target_origin_id, "acme-responder");
    assert_eq!(behavior.viewer_protocol_policy, ViewerProtocolPolicy::AllowAll);
    assert_eq!(
        (behavior.min_ttl, behavior.default_ttl, behavior.max_ttl),
        (Some(0), Some(0), Some(0))
    );
    let forwarded = behavior.forwarded_values.as_ref().unwrap();
    assert_eq!(forwarded.headers.as_ref().unwrap().quantity, 0);
    assert_eq!(forwarded.cookies.as_ref().unwrap().forward, ItemSelection::None);
}

#[test]
fn a_long_instance_id_still_has_a_comment_of_its_own() {
    let ids = [
        "x".repeat(200),
        format!("{}y", "x".repeat(199)),
        "ü".repeat(117),
        "ü".repeat(118),
    ];
    let comments: Vec<String> = ids.iter().map(|id| comment(id)).collect();
    for (index, one) in comments.iter().enumerate() {
        assert!(one.chars().count() <= 128, "{one}");
        assert!(!comments[index + 1..].contains(one), "{one}");
    }
    assert_eq!(comments[2], format!("cdn-broker {}", ids[2]));
}
