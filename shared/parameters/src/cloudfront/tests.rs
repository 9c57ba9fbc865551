//! What is written into a configuration is read back from it.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::agreement::forms;
use crate::fuzz::nearly;
use crate::known::KNOWN;
use crate::parse;

fn wanted(settings: &InstanceSettings) -> Wanted<'_> {
    Wanted {
        settings,
        price_class: &PriceClass::PriceClass100,
        function_name: "f",
        function: None,
    }
}

/// As the service distribution creates one.
fn new() -> DistributionConfig {
    let config = DistributionConfig::builder()
        .caller_reference("i")
        .comment("")
        .enabled(true);
    config.build().unwrap()
}

/// Arbitrary parameters of a user; those that a configuration can't express are left out.
fn parameters() -> impl Strategy<Value = Parameters> {
    nearly().prop_filter_map("refused", |parameters| {
        let mut parsed = parse(Some(&parameters), None).ok()?;
        parsed.settings.redirect_to = None;
        parsed
            .settings
            .price_class
            .get_or_insert(pipeline::instance::PriceClass::All);
        Some(parsed)
    })
}

/// With the aliases, which are written with the certificate.
fn written(parameters: &Parameters, mut config: DistributionConfig) -> DistributionConfig {
    put(&wanted(&parameters.settings), &mut config).unwrap();
    let aliases = aws_sdk_cloudfront::types::Aliases::builder().quantity(0);
    config.aliases = Some(aliases.set_items(Some(parameters.domains.clone())).build().unwrap());
    config
}

proptest! {
    #[test]
    fn what_is_written_is_adopted_as_the_same_and_nothing_differs(parameters in parameters()) {
        let config = written(&parameters, new());
        let adopted = adopt(&config);
        let again = parse(Some(&adopted.parameters), None);
        prop_assert_eq!(again.map(|again| again.normalised()), Ok(parameters.normalised()), "{}", adopted.parameters);
        prop_assert_eq!(differences(&parameters, &config), Vec::<String>::new());
    }

    #[test]
    fn what_was_before_leaves_nothing_behind(before in parameters(), after in parameters()) {
        let config = written(&after, written(&before, new()));
        let adopted = adopt(&config).parameters;
        prop_assert_eq!(parse(Some(&adopted), None).map(|again| again.normalised()), Ok(after.normalised()), "{}", adopted);
        prop_assert_eq!(written(&after, config.clone()), config, "nothing to write");
    }

    #[test]
    fn whatever_a_write_would_change_is_seen_as_a_difference(before in parameters(), after in parameters()) {
        let there = written(&before, new());
        let same = written(&after, there.clone()) == there;
        prop_assert_eq!(differences(&after, &there).is_empty(), same);
    }
}

#[test]
fn each_difference_is_a_sentence_of_its_own() {
    let asked = json!({"domains": "www.example.com", "origin": "app.example.org"});
    let wanted = parse(Some(&asked), None).unwrap();
    for (other, sentence) in [
        (json!({"http3": true}), "http3 is true, not the default"),
        (json!({"compress": false}), "compress is false, not the default"),
        (json!({"default_ttl": 5}), "default_ttl is 5, not the default"),
        (json!({"forward_cookies": "a"}), "forward_cookies is [\"a\"], not \"*\""),
        (json!({"forward_headers": "a"}), "forward_headers is [\"A\"], not []"),
        (
            json!({"hsts": true}),
            "response_headers_policy is Managed-SecurityHeadersPolicy, not the default",
        ),
        (
            json!({"error_responses": {"404": "/a"}}),
            "error_responses is {\"404\":\"/a\"}, not the default",
        ),
        (json!({"path": "/a"}), "the path at the origin is \"/a\", not \"\""),
        (
            json!({"insecure_origin": true}),
            "the origin is fetched from by http-only, not https-only",
        ),
        (
            json!({"failover_origin": "b.example.org"}),
            "the failover origin is b.example.org, and there should be none",
        ),
        (
            json!({"origin": "b.example.org"}),
            "the origin is b.example.org, not app.example.org",
        ),
        (
            json!({"domains": ["www.example.com", "example.com"]}),
            "the alias example.com is not the broker's",
        ),
    ] {
        let mut parameters = asked.clone();
        parameters
            .as_object_mut()
            .unwrap()
            .extend(other.as_object().unwrap().clone());
        let there = written(&parse(Some(&parameters), None).unwrap(), new());
        assert_eq!(differences(&wanted, &there), [sentence]);
    }
}

/// The same as the properties, for each parameter separately: none may be written but not read.
#[test]
fn every_parameter_is_written_adopted_and_compared() {
    // The target of a redirect is in the function's code; who is told is nowhere in CloudFront.
    for key in KNOWN.iter().filter(|key| !["redirect_to", "notify"].contains(*key)) {
        let mut asked = json!({"origin": "app.example.org", "price_class": "PriceClass_All"});
        asked["domains"] = json!("a.example.com");
        if *key == "origin_request_policy" {
            asked["cache_policy"] = json!("Managed-CachingOptimized");
        }
        let before = parse(Some(&asked), None).unwrap();
        if *key == "domain" {
            asked.as_object_mut().unwrap().remove("domains");
        }
        let values = forms().into_iter().filter(|value| !value.is_null());
        let others = values.filter_map(|value| {
            asked[*key] = value;
            parse(Some(&asked), None).ok().filter(|after| *after != before)
        });
        let others: Vec<_> = others.collect();
        assert!(!others.is_empty(), "{key}: none of its values is among the forms");
        for after in others {
            let config = written(&after, new());
            let adopted = parse(Some(&adopt(&config).parameters), None);
            assert_eq!(
                adopted.map(|adopted| adopted.normalised()),
                Ok(after.normalised()),
                "{key}"
            );
            assert_ne!(differences(&before, &config), Vec::<String>::new(), "{key}");
        }
    }
}
