#![expect(deprecated, reason = "a configuration without a cache policy has forwarded values")]

use aws_sdk_cloudfront::types::{
    EventType, FunctionAssociation, FunctionAssociations, HttpVersion, ItemSelection, LoggingConfig,
    OriginProtocolPolicy,
};
use parameters::cloudfront::origins::{FAILOVER_ORIGIN, put_host};
use parameters::cloudfront::{function_in, quantity};
use pipeline::instance::Cookies;
use pipeline::managed::CACHING_DISABLED;
use pipeline::{AccessLogs, InstanceSettings};

use super::*;

fn instance() -> Instance {
    Instance {
        id: "0a1b2c3d-instance".to_string(),
        tenant: "org/1".to_string(),
        settings: InstanceSettings {
            origin: "app.example.net".to_string(),
            path: "/shop".to_string(),
            forward_headers: vec!["Host".to_string(), "Accept".to_string()],
            ..InstanceSettings::default()
        },
        distribution_id: None,
        distribution_domain: None,
        domains: vec!["www.example.com".to_string()],
    }
}

fn arn(instance: &str) -> String {
    format!(
        "arn:aws:cloudfront::123456789012:function/{}",
        crate::redirect::name(instance)
    )
}

fn with_configuration<T>(instance: &Instance, then: impl FnOnce(&Configuration<'_>) -> T) -> T {
    let responder = Responder {
        secure: false,
        host: "acme.example.org".to_string(),
        port: 8080,
    };
    let function = instance.settings.redirect_to.as_ref().map(|_| arn(&instance.id));
    then(&Configuration {
        instance,
        responder: &responder,
        price_class: &PriceClass::PriceClass100,
        function: function.as_deref(),
    })
}

fn config(instance: &Instance) -> DistributionConfig {
    with_configuration(instance, |wanted| wanted.new_config()).unwrap()
}

fn put_into(there: &mut DistributionConfig, instance: &Instance) {
    with_configuration(instance, |wanted| wanted.put_into(there)).unwrap();
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
    assert_eq!(behavior.cache_policy_id.as_deref(), Some(CACHING_DISABLED.id));
    assert_eq!(behavior.origin_request_policy_id, None);
    // Flat-rate plans support neither.
    assert!(behavior.forwarded_values.is_none() && behavior.min_ttl.is_none());
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

/// The same as CloudFront would return it: with additions by others, and lists in a different order.
fn as_read(instance: &Instance) -> DistributionConfig {
    let mut there = config(instance);
    there.web_acl_id = Some("a-firewall".to_string());
    let origins = there.origins.as_mut().unwrap();
    origins.items[0].connection_attempts = Some(2);
    if let Some(custom) = origins.items[0].custom_origin_config.as_mut() {
        custom.origin_read_timeout = Some(60);
    }
    let other = put_host(&mut there, "somebodys", "other.example.net", "")
        .unwrap()
        .clone();
    let origins = there.origins.as_mut().unwrap();
    origins.items.rotate_right(1);
    assert_eq!(origins.items[0], other);
    let mut theirs = challenges::behavior().unwrap();
    theirs.path_pattern = "/api/*".to_string();
    theirs.target_origin_id = "somebodys".to_string();
    let behaviors = there.cache_behaviors.as_mut().unwrap();
    behaviors.items.as_mut().unwrap().push(theirs);
    behaviors.quantity = 2;
    let default = there.default_cache_behavior.as_mut().unwrap();
    default.allowed_methods.as_mut().unwrap().items.reverse();
    default.field_level_encryption_id = Some("theirs".to_string());
    there
}

fn with_logs(bucket: &str, prefix: &str) -> Instance {
    let mut instance = instance();
    instance.settings.access_logs = Some(AccessLogs {
        bucket: bucket.into(),
        prefix: prefix.into(),
        include_cookies: true,
    });
    instance
}

#[test]
fn access_logs_are_as_the_plan_has_them_below_the_instances_id() {
    assert_eq!(config(&instance()).logging, None);
    let logging = config(&with_logs("logs.s3.amazonaws.com", "cdn/")).logging.unwrap();
    assert!(logging.enabled && logging.include_cookies);
    assert_eq!(logging.bucket, "logs.s3.amazonaws.com");
    assert_eq!(logging.prefix, "cdn/0a1b2c3d-instance/");
}

#[test]
fn the_plans_logs_are_put_right_and_taken_away_and_those_set_up_by_hand_stay() {
    let (with, without) = (with_logs("logs.s3.amazonaws.com", "cdn/"), instance());
    let mut there = as_read(&without);
    let by_hand = |bucket: &str, prefix: &str| {
        let logging = LoggingConfig::builder().enabled(true).bucket(bucket).prefix(prefix);
        Some(logging.build())
    };
    there.logging = by_hand("theirs.s3.amazonaws.com", "all/");
    put_into(&mut there, &without);
    assert_eq!(there.logging, by_hand("theirs.s3.amazonaws.com", "all/"));
    put_into(&mut there, &with);
    assert_eq!(there.logging, config(&with).logging);
    let before = there.clone();
    put_into(&mut there, &with);
    assert_eq!(there, before, "nothing to write");
    put_into(&mut there, &without);
    let off = LoggingConfig::builder().build();
    assert_eq!(there.logging, Some(off.clone()));

    for logging in [config(&with).logging, by_hand("theirs.s3.amazonaws.com", "all/")] {
        there.logging = logging;
        there.enabled = true;
        switch_off(&mut there);
        assert_eq!((there.enabled, &there.logging), (false, &Some(off.clone())));
    }
}

#[test]
fn what_is_as_wanted_is_left_as_it_is() {
    let instance = instance();
    let there = as_read(&instance);
    let mut changed = there.clone();
    put_into(&mut changed, &instance);
    assert_eq!(changed, there, "nothing to write");
}

#[test]
fn what_is_ours_is_put_right_and_what_others_put_there_stays() {
    let before = instance();
    let mut after = instance();
    after.settings.origin = "new.example.net".to_string();
    after.settings.path = String::new();
    after.settings.http3 = true;
    after.settings.failover_origin = Some("standby.example.net".to_string());
    let mut there = as_read(&before);
    // Disabled by the operator.
    there.enabled = false;
    put_into(&mut there, &after);
    assert!(!there.enabled);
    assert_eq!(there.http_version, Some(HttpVersion::Http2and3));
    assert_eq!(there.web_acl_id.as_deref(), Some("a-firewall"));
    let origins = there.origins.as_ref().unwrap();
    let hosts: Vec<&str> = origins.items.iter().map(|origin| origin.domain_name.as_str()).collect();
    assert_eq!(
        hosts,
        [
            "other.example.net",
            "new.example.net",
            "acme.example.org",
            "standby.example.net"
        ]
    );
    assert_eq!(origins.quantity, 4);
    let ours = &origins.items[1];
    assert_eq!(ours.connection_attempts, Some(2));
    assert_eq!(
        ours.custom_origin_config.as_ref().unwrap().origin_read_timeout,
        Some(60)
    );
    assert_eq!(
        origins.items[3].connection_attempts,
        Some(2),
        "like the user's other origin"
    );
    let default = there.default_cache_behavior.as_ref().unwrap();
    assert_eq!(default.target_origin_id, "origin-with-failover");
    assert_eq!(default.allowed_methods.as_ref().unwrap().quantity, 3);
    assert_eq!(default.field_level_encryption_id.as_deref(), Some("theirs"));
    assert_eq!(there.origin_groups.as_ref().unwrap().quantity, 1);
    let patterns: Vec<&str> = there
        .cache_behaviors
        .as_ref()
        .unwrap()
        .items()
        .iter()
        .map(|behavior| behavior.path_pattern.as_str())
        .collect();
    assert_eq!(patterns, ["/.well-known/acme-challenge/*", "/api/*"]);

    // And back.
    put_into(&mut there, &before);
    let origins = there.origins.as_ref().unwrap();
    assert!(!origins.items.iter().any(|origin| origin.id == FAILOVER_ORIGIN));
    assert_eq!(there.origin_groups.as_ref().unwrap().quantity, 0);
    assert_eq!(
        there
            .default_cache_behavior
            .as_ref()
            .unwrap()
            .allowed_methods
            .as_ref()
            .unwrap()
            .quantity,
        7
    );
}

#[test]
fn a_cache_policy_takes_the_place_of_forwarded_values_and_back() {
    let forwarding = instance();
    let mut caching = instance();
    caching.settings.cache_policy = Some(pipeline::managed::CACHE[0]);
    caching.settings.origin_request_policy = Some(pipeline::managed::ORIGIN_REQUEST[0]);
    caching.settings.response_headers_policy = Some(pipeline::managed::RESPONSE_HEADERS[0]);
    let mut there = as_read(&forwarding);
    put_into(&mut there, &caching);
    let default = there.default_cache_behavior.as_ref().unwrap();
    assert_eq!(default.cache_policy_id.as_deref(), Some(pipeline::managed::CACHE[0].id));
    assert_eq!(
        default.origin_request_policy_id.as_deref(),
        Some(pipeline::managed::ORIGIN_REQUEST[0].id)
    );
    assert_eq!(
        (&default.forwarded_values, default.default_ttl, default.max_ttl),
        (&None, None, None)
    );
    put_into(&mut there, &forwarding);
    let default = there.default_cache_behavior.as_ref().unwrap();
    assert_eq!(
        (&default.cache_policy_id, &default.response_headers_policy_id),
        (&None, &None)
    );
    assert!(default.forwarded_values.is_some());
    assert_eq!(default.default_ttl, Some(86_400));
}

#[test]
fn pages_for_errors_are_shown_with_the_errors_own_status() {
    let mut instance = instance();
    instance.settings.error_responses.insert(404, "/lost.html".to_string());
    let pages = config(&instance).custom_error_responses.unwrap();
    assert_eq!(pages.quantity, 1);
    let page = &pages.items()[0];
    assert_eq!((page.error_code, page.response_code.as_deref()), (404, Some("404")));
    assert_eq!(page.response_page_path.as_deref(), Some("/lost.html"));
}

fn functions(config: &DistributionConfig) -> Vec<(String, EventType)> {
    let all = config
        .default_cache_behavior
        .as_ref()
        .unwrap()
        .function_associations
        .as_ref();
    let all = all.map(|all| {
        assert_eq!(usize::try_from(all.quantity), Ok(all.items().len()));
        all.items().to_vec()
    });
    let all = all.unwrap_or_default().into_iter();
    all.map(|one| (one.function_arn, one.event_type)).collect()
}

#[test]
fn requests_pass_the_function_that_redirects_but_challenges_do_not() {
    let mut instance = instance();
    assert_eq!(functions(&config(&instance)), []);
    instance.settings.redirect_to = Some("www.example.com".to_string());
    let config = config(&instance);
    assert_eq!(functions(&config), [(arn(&instance.id), EventType::ViewerRequest)]);
    let challenges = &config.cache_behaviors.unwrap().items.unwrap()[0];
    assert_eq!(challenges.function_associations, None);
}

#[test]
fn our_function_is_put_back_and_taken_away_and_those_of_others_stay() {
    let plain = instance();
    let mut redirecting = instance();
    redirecting.settings.redirect_to = Some("www.example.com".to_string());
    let (ours, theirs) = (
        arn(&plain.id),
        "arn:aws:cloudfront::123456789012:function/theirs".to_string(),
    );
    let associate = |config: &mut DistributionConfig, all: &[(&String, EventType)]| {
        let all = all.iter().map(|(arn, event)| {
            FunctionAssociation::builder()
                .function_arn(*arn)
                .event_type(event.clone())
                .build()
                .unwrap()
        });
        let all: Vec<_> = all.collect();
        let built = FunctionAssociations::builder()
            .quantity(quantity(&all))
            .set_items(Some(all));
        config.default_cache_behavior.as_mut().unwrap().function_associations = Some(built.build().unwrap());
    };
    let (request, response) = (EventType::ViewerRequest, EventType::ViewerResponse);

    let mut there = as_read(&plain);
    associate(&mut there, &[(&theirs, response.clone())]);
    put_into(&mut there, &redirecting);
    let both = [(theirs.clone(), response.clone()), (ours.clone(), request.clone())];
    assert_eq!(functions(&there), both);
    let written = there.clone();
    put_into(&mut there, &redirecting);
    assert_eq!(there, written, "nothing to write");
    assert_eq!(
        function_in(&there, &crate::redirect::name(&plain.id)),
        Some(ours.as_str())
    );

    // Another function in place of ours.
    associate(&mut there, &[(&theirs, request.clone())]);
    put_into(&mut there, &redirecting);
    assert_eq!(functions(&there), [(ours.clone(), request.clone())]);

    associate(&mut there, &[(&ours, request.clone()), (&theirs, response.clone())]);
    put_into(&mut there, &plain);
    assert_eq!(functions(&there), [(theirs.clone(), response)]);
    put_into(&mut there, &plain);
    assert_eq!(functions(&there).len(), 1);

    // Without a redirect any function may use the event.
    associate(&mut there, &[(&theirs, request.clone())]);
    put_into(&mut there, &plain);
    assert_eq!(functions(&there), [(theirs, request)]);
    associate(&mut there, &[]);
    let none = there.clone();
    put_into(&mut there, &plain);
    assert_eq!(there, none, "nothing to write");
}
