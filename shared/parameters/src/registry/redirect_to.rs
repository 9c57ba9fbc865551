//! `redirect_to`: the one host that serves.

use pipeline::domain::covers;
use schemars::Schema;
use serde_json::{Value, json};

use crate::faults::ParameterError;
use crate::field::Field;
use crate::key::{Key, KeyRow};
use crate::parameter::Parameter;
use crate::parse::{Parameters, Request};
use crate::update::Update;
use crate::value::host::Host;
use crate::{shown, shown_json};

const KEY: Key<Target> = Key::new(
    "redirect_to",
    "The host that answers, such as www.example.com; every other domain is redirected to it",
);

pub(crate) struct RedirectTo;

/// Usually one of the domains; if it is another host, all the domains are redirected to it. None if an empty one was
/// given.
#[derive(Debug)]
struct Target(Option<String>);

impl Field for Target {
    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::String(_) => Host::read(value).map(|host| Self(host.0)),
            other => Err(format!(
                "{} is not a string; write one of the domains, such as \"www.example.com\"",
                shown_json(other)
            )),
        }
    }

    fn schema() -> Schema {
        Host::schema()
    }
}

impl Parameter for RedirectTo {
    fn keys(&self) -> &'static [KeyRow] {
        const { &[KEY.row()] }
    }

    fn parse(&self, request: &mut Request<'_>, parameters: &mut Parameters) {
        parameters.settings.redirect_to = request.get(&KEY).and_then(|target| target.0);
    }

    fn normalised(&self, parameters: &Parameters) -> Option<Value> {
        parameters.settings.redirect_to.as_ref().map(|host| json!(host))
    }

    fn merge(&self, update: &mut Update<'_>) {
        update.replace(self);
    }
}

/// The previous target was one of the domains, or below a wildcard of them, and is about to be removed: visitors must
/// not be redirected to a host that nothing serves any more. Edges receive a change one by one, so the new target has
/// to be in place before the old one is removed.
pub(crate) fn after(current: &Value, parameters: &Parameters) -> Result<(), ParameterError> {
    let had = |host: &str| {
        current["domains"]
            .as_array()
            .is_some_and(|all| all.iter().filter_map(Value::as_str).any(|one| covers(one, host)))
    };
    let Some(before) = current["redirect_to"].as_str().filter(|host| had(host)) else {
        return Ok(());
    };
    let (domains, now) = (&parameters.domains, parameters.settings.redirect_to.as_deref());
    if domains.iter().any(|domain| covers(domain, before)) {
        return Ok(());
    }
    match now {
        Some(now) if now == before => Err(ParameterError::new(
            "redirect_to",
            format!(
                "{} is no longer one of the domains; write another of them, or null to redirect nothing",
                shown(before)
            ),
        )),
        Some(now) if !had(now) && domains.iter().any(|domain| covers(domain, now)) => Err(ParameterError::new(
            "redirect_to",
            format!(
                "{} can't take the place of {} in the update that makes it a domain; add it first, with redirect_to, and remove the other in an update after that",
                shown(now),
                shown(before)
            ),
        )),
        _ => Ok(()),
    }
}

/// A CloudFront function of the instance's own; the service distribution creates it and writes its code.
#[cfg(feature = "cloudfront")]
pub(crate) mod cloudfront {
    use aws_sdk_cloudfront::error::BuildError;
    use aws_sdk_cloudfront::types::{DistributionConfig, EventType, FunctionAssociation, FunctionAssociations};

    use super::*;
    use crate::cloudfront::{Wanted, default_behavior, quantity};
    use crate::parameter::InCloudFront;

    impl InCloudFront for RedirectTo {
        /// Runs before any other processing of a request. Only in the default behavior: a challenge must be answered
        /// under every name. While there is something to redirect, the event is ours; otherwise only our function is
        /// removed, since other owners may use the event for theirs.
        fn put(&self, wanted: &Wanted<'_>, config: &mut DistributionConfig) -> Result<(), BuildError> {
            let associations = &mut default_behavior(config)?.function_associations;
            let before = associations.as_ref().map(|all| all.items()).unwrap_or_default();
            let taken = |one: &FunctionAssociation| match wanted.function {
                None => is_arn_of(&one.function_arn, wanted.function_name),
                Some(_) => one.event_type == EventType::ViewerRequest,
            };
            let mut after: Vec<_> = before.iter().filter(|one| !taken(one)).cloned().collect();
            if let Some(arn) = wanted.function {
                let ours = FunctionAssociation::builder()
                    .function_arn(arn)
                    .event_type(EventType::ViewerRequest);
                after.push(ours.build()?);
            }
            let same = before.len() == after.len() && after.iter().all(|one| before.contains(one));
            if !same {
                *associations = Some(
                    FunctionAssociations::builder()
                        .quantity(quantity(&after))
                        .set_items((!after.is_empty()).then_some(after))
                        .build()?,
                );
            }
            Ok(())
        }

        /// The effect of another broker's function can't be read from a configuration; the function stays until
        /// something is to be redirected.
        fn adopt(&self, _: &DistributionConfig, _: &mut Vec<String>) -> Option<Value> {
            None
        }

        /// The configuration contains the function's name, not the redirect's target.
        fn differences(&self, _: &Parameters, _: &DistributionConfig) -> Vec<String> {
            Vec::new()
        }
    }

    /// The ARN of the function of that name, if the default behavior runs it before requests.
    pub fn function_in<'c>(config: &'c DistributionConfig, name: &str) -> Option<&'c str> {
        let default = config.default_cache_behavior.as_ref()?;
        let mut all = default.function_associations.iter().flat_map(|all| all.items());
        all.find(|one| one.event_type == EventType::ViewerRequest && is_arn_of(&one.function_arn, name))
            .map(|one| one.function_arn.as_str())
    }

    /// Whether it is the ARN of the function of that name. The other parts (partition, account) are known only to
    /// CloudFront.
    fn is_arn_of(arn: &str, name: &str) -> bool {
        arn.strip_suffix(name).is_some_and(|head| head.ends_with(":function/"))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn an_arn_is_of_one_name() {
            let arn = "arn:aws:cloudfront::123456789012:function/cdn-broker-1";
            assert!(is_arn_of(arn, "cdn-broker-1"));
            assert!(!is_arn_of(arn, "broker-1"), "the end of another name");
            assert!(!is_arn_of(arn, "cdn-broker-2"));
            assert!(!is_arn_of("cdn-broker-1", "cdn-broker-1"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{parse, update};

    fn normalised(redirect_to: serde_json::Value) -> serde_json::Value {
        let parameters = json!({
            "domains": ["example.com", "www.example.com"], "origin": "app.example.org", "redirect_to": redirect_to,
        });
        parse(Some(&parameters), None).unwrap().normalised()
    }

    #[test]
    fn a_host_in_any_form_becomes_one_and_nothing_is_left_out() {
        for (given, becomes) in [
            (json!("www.example.com"), json!("www.example.com")),
            (json!(" WWW.Example.COM. "), json!("www.example.com")),
            (json!("www.bücher.example"), json!("www.xn--bcher-kva.example")),
        ] {
            assert_eq!(normalised(given.clone())["redirect_to"], becomes, "{given}");
        }
        for none in [json!(null), json!(""), json!(" ")] {
            assert_eq!(normalised(none.clone()).get("redirect_to"), None, "{none}");
        }
    }

    #[test]
    fn a_target_below_a_wildcard_goes_with_it() {
        let first = json!({"domains": "*.example.com", "origin": "app.example.org", "redirect_to": "www.example.com"});
        let current = parse(Some(&first), None).unwrap().normalised();
        let error = update(&current, Some(&json!({"domains": "example.com"})), None)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("\"www.example.com\" is no longer one of the domains"),
            "{error}"
        );
        let named = json!({"domains": "example.com, www.example.com"});
        assert!(update(&current, Some(&named), None).is_ok());
    }

    #[test]
    fn a_target_that_goes_is_not_redirected_to() {
        let first = json!({
            "domains": ["example.com", "www.example.com"], "origin": "app.example.org", "redirect_to": "www.example.com",
        });
        let current = parse(Some(&first), None).unwrap().normalised();
        for (given, says) in [
            (
                json!({"domains": "example.com"}),
                "\"www.example.com\" is no longer one of the domains",
            ),
            (
                json!({"domains": "example.com, new.example.com", "redirect_to": "new.example.com"}),
                "\"new.example.com\" can't take the place of \"www.example.com\"",
            ),
        ] {
            let error = update(&current, Some(&given), None).unwrap_err().to_string();
            assert!(error.starts_with("redirect_to: ") && error.contains(says), "{error}");
        }
        for given in [
            json!({"domains": "example.com", "redirect_to": null}),
            json!({"domains": "example.com, a.example.com", "redirect_to": "example.com"}),
            json!({"domains": "example.com", "redirect_to": "elsewhere.example.org"}),
            json!({"domains": "example.com, www.example.com, new.example.com", "redirect_to": "new.example.com"}),
            json!({"path": "/a"}),
        ] {
            assert!(update(&current, Some(&given), None).is_ok(), "{given}");
        }
    }
}
