//! Applies an update's parameters to those of an instance: an absent key stays unchanged, `null` resets it to its
//! default (as external-domain-broker does).

use serde_json::{Map, Value};

use crate::faults::{Faults, ParameterError};
use crate::parameter::Parameter;
use crate::parse::{Parameters, parse_beside};
use crate::registry::{self, NOTIFY, redirect_to};
use crate::shown_json;

/// A key that an update may send in addition to the parameters to have the distribution checked again (users of older
/// brokers do).
pub(crate) const LOOK_AGAIN: &str = "timestamp";

/// The instance's new parameters, and whether the distribution is to be checked even if nothing changes. `current` is
/// in the normalised form.
///
/// # Errors
/// Everything that is wrong.
pub fn update(
    current: &Value,
    given: Option<&Value>,
    default_origin: Option<&str>,
) -> Result<(Parameters, bool), Faults> {
    let (merged, look_again) = merge(current, given, default_origin)?;
    // "If this field is not present …, the Service Broker MUST NOT change the parameters": not even to another default
    // origin, which would add its Host header. The normalised form names everything that it needs.
    let none_given = match given {
        Some(Value::Object(given)) => given.keys().all(|key| [LOOK_AGAIN, NOTIFY].contains(&key.as_str())),
        _ => true,
    };
    let domains = current["domains"].as_array().into_iter().flatten();
    let had: Vec<&str> = domains
        .chain([&current["origin"], &current["failover_origin"]])
        .filter_map(Value::as_str)
        .collect();
    let parameters = match none_given {
        true => parse_beside(&had, Some(&with_notify(current, given)), None)?,
        false => parse_beside(&had, Some(&merged), default_origin)?,
    };
    redirect_to::after(current, &parameters)?;
    Ok((parameters, look_again))
}

/// What the instance has, and whom it is to tell what, which is not among that.
fn with_notify(current: &Value, given: Option<&Value>) -> Value {
    let mut asked = current.clone();
    if let Some(notify) = given.and_then(|given| given.get(NOTIFY)) {
        asked[NOTIFY] = notify.clone();
    }
    asked
}

/// The instance's new parameters, to be parsed like those of a new instance, and whether the distribution is to be
/// checked even if nothing changes. `current` is in the normalised form.
fn merge(
    current: &Value,
    given: Option<&Value>,
    default_origin: Option<&str>,
) -> Result<(Value, bool), ParameterError> {
    let mut given = match given {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(given)) => given.clone(),
        Some(other) => {
            return Err(ParameterError::new(
                "parameters",
                format!("{} is not an object", shown_json(other)),
            ));
        }
    };
    let look_again = given.remove(LOOK_AGAIN).is_some();
    let mut update = Update {
        had_default_origin: default_origin.is_some() && current["origin"].as_str() == default_origin,
        given: &given,
        merged: current.as_object().cloned().unwrap_or_default(),
    };
    // First for all parameters: if the update contains both keys of one parameter, the parser reports it.
    for parameter in registry::ALL.iter() {
        parameter.merge(&mut update);
    }
    let mut merged = update.merged;
    merged.extend(given);
    Ok((Value::Object(merged), look_again))
}

/// An update in progress: each parameter removes the values that don't stay.
pub(crate) struct Update<'u> {
    given: &'u Map<String, Value>,
    merged: Map<String, Value>,
    /// The instance's origin is the broker's default.
    pub(crate) had_default_origin: bool,
}

impl Update<'_> {
    /// The update's own value for a key, `null` included.
    pub(crate) fn given(&self, key: &str) -> Option<&Value> {
        self.given.get(key)
    }

    /// The instance's value, in the normalised form.
    pub(crate) fn had(&mut self, parameter: &dyn Parameter) -> Option<&mut Value> {
        self.merged.get_mut(parameter.keys().first()?.name)
    }

    /// Removes the instance's value, whatever the update contains.
    pub(crate) fn forget(&mut self, parameter: &dyn Parameter) {
        if let Some(key) = parameter.keys().first() {
            self.merged.remove(key.name);
        }
    }

    /// Removes the instance's value if the update has any of the parameter's keys.
    pub(crate) fn replace(&mut self, parameter: &dyn Parameter) {
        if parameter.keys().iter().any(|key| self.given.contains_key(key.name)) {
            self.forget(parameter);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::parse;

    const ROUTER: Option<&str> = Some("router.example.net");

    /// The normalised form after an update of an instance that was provisioned with `first`.
    fn updated(first: Value, given: Value) -> Result<Value, Faults> {
        let current = parse(Some(&first), ROUTER).unwrap().normalised();
        Ok(update(&current, Some(&given), ROUTER)?.0.normalised())
    }

    /// The result of a provision with these parameters.
    fn made(parameters: Value) -> Value {
        parse(Some(&parameters), ROUTER).unwrap().normalised()
    }

    #[test]
    fn only_what_is_present_changes_and_null_is_the_default() {
        let first = json!({"domain": "www.example.com", "path": "/a", "headers": ["Accept"], "cookies": false});
        for (update, like) in [
            (json!({}), first.clone()),
            (
                json!({"path": "/b"}),
                json!({"domains": "www.example.com", "path": "/b", "headers": ["Accept"], "cookies": false}),
            ),
            (
                json!({"path": null, "forward_cookies": null}),
                json!({"domains": "www.example.com", "headers": ["Accept"]}),
            ),
            (
                json!({"domain": "a.example.com", "forward_headers": "X-One"}),
                json!({"domains": "a.example.com", "path": "/a", "headers": ["X-One"], "cookies": false}),
            ),
            // The Host header belonged to the default origin.
            (
                json!({"origin": "app.example.org"}),
                json!({"domains": "www.example.com", "origin": "app.example.org", "path": "/a", "headers": ["Accept"], "cookies": false}),
            ),
        ] {
            assert_eq!(updated(first.clone(), update.clone()).unwrap(), made(like), "{update}");
        }
    }

    #[test]
    fn a_cache_policy_takes_the_place_of_what_was_forwarded_and_back() {
        let forwarding = json!({"domains": "www.example.com", "headers": ["Accept"], "default_ttl": 5});
        let caching = json!({"domains": "www.example.com", "cache_policy": "Managed-CachingOptimized"});
        assert_eq!(
            updated(forwarding.clone(), json!({"cache_policy": "Managed-CachingOptimized"})).unwrap(),
            made(caching.clone())
        );
        assert_eq!(
            updated(
                caching.clone(),
                json!({"cache_policy": null, "headers": ["Accept"], "default_ttl": 5})
            )
            .unwrap(),
            made(forwarding)
        );
        let error = updated(caching, json!({"headers": ["Accept"]}))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("headers: it is given together with cache_policy"),
            "{error}"
        );
    }

    #[test]
    fn the_default_origin_takes_plain_http_back() {
        let first = json!({"domains": "www.example.com", "origin": "app.example.org", "insecure_origin": true});
        for back in [json!({"origin": null}), json!({"origin": ""}), json!({"origin": " "})] {
            assert_eq!(
                updated(first.clone(), back).unwrap(),
                made(json!({"domains": "www.example.com"}))
            );
        }
        let other = updated(first.clone(), json!({"origin": "b.example.org"})).unwrap();
        assert_eq!(other["insecure_origin"], true);
        let error = updated(first, json!({"origin": null, "insecure_origin": true})).unwrap_err();
        assert!(error.to_string().contains("not for the default origin"), "{error}");
    }

    #[test]
    fn what_an_instance_has_is_not_judged_anew() {
        let current = json!({"domains": ["co.uk", "www.shop.test"], "origin": "app.apps.internal"});
        for given in [
            json!({"path": "/a"}),
            json!({"timestamp": 1}),
            json!({"domains": "co.uk"}),
        ] {
            assert!(update(&current, Some(&given), ROUTER).is_ok(), "{given}");
        }
        let error = update(&current, Some(&json!({"domains": "co.uk, other.test"})), ROUTER).unwrap_err();
        assert!(
            error.to_string().starts_with("domains: \"other.test\" ends in .test"),
            "{error}"
        );
    }

    #[test]
    fn hsts_that_is_not_wanted_leaves_another_policy_alone() {
        let cors = json!({"domains": "www.example.com", "response_headers_policy": "Managed-SimpleCORS"});
        let hsts = json!({"domains": "www.example.com", "hsts": true});
        let none = json!({"domains": "www.example.com"});
        for not in [json!({"hsts": false}), json!({"hsts": null})] {
            assert_eq!(updated(cors.clone(), not.clone()).unwrap(), made(cors.clone()));
            assert_eq!(updated(hsts.clone(), not).unwrap(), made(none.clone()));
        }
        assert_eq!(
            updated(cors, json!({"hsts": true, "response_headers_policy": null})).unwrap(),
            made(hsts)
        );
    }

    #[test]
    fn a_wrong_update_is_told_like_a_wrong_provision() {
        let first = json!({"domains": "www.example.com"});
        for (update, words) in [
            (json!({"domains": null}), "domains: it is missing"),
            (json!({"domian": "x"}), "did you mean \"domain\"?"),
            (json!([]), "parameters: [] (a list) is not an object"),
            (
                json!({"domains": "a.example.com", "domain": "b.example.com"}),
                "together with domains",
            ),
            (
                json!({"forward_headers": ["X-One"], "headers": ["X-Two"]}),
                "together with forward_headers",
            ),
        ] {
            let error = updated(first.clone(), update).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_timestamp_asks_for_another_look() {
        let current = made(json!({"domains": "www.example.com"}));
        let (same, look_again) = update(&current, Some(&json!({"timestamp": "now"})), ROUTER).unwrap();
        assert!(look_again);
        assert_eq!(same.normalised(), current);
    }

    #[test]
    fn who_is_told_changes_nothing_else_whatever_the_default_origin_is_now() {
        let own = made(json!({"domains": "www.example.com", "origin": "app.example.org"}));
        let notify = json!({"notify": {"mail": "ops@example.com"}});
        for default_origin in [ROUTER, None, Some("app.example.org")] {
            let (told, _) = update(&own, Some(&notify), default_origin).unwrap();
            assert_eq!(told.normalised(), own);
            assert_eq!(told.notify.map(|notify| notify.mail.len()), Some(1));
            let (nobody, _) = update(&own, Some(&json!({"notify": null})), default_origin).unwrap();
            assert_eq!((nobody.normalised(), nobody.notify), (own.clone(), None));
        }
        let with_more = json!({"path": "/a", "notify": {"mail": "ops@example.com"}});
        let (both, _) = update(&own, Some(&with_more), ROUTER).unwrap();
        assert!(both.notify.is_some() && both.normalised()["path"] == "/a");
    }

    #[test]
    fn nothing_given_changes_nothing_whatever_the_default_origin_is_now() {
        let own = json!({"domains": "www.example.com", "origin": "app.example.org", "insecure_origin": true});
        for first in [
            own,
            json!({"domains": "www.example.com", "cache_policy": "Managed-CachingOptimized"}),
        ] {
            let current = made(first);
            for default_origin in [ROUTER, None, Some("app.example.org")] {
                for given in [None, Some(json!(null)), Some(json!({})), Some(json!({"timestamp": 1}))] {
                    let (same, _) = update(&current, given.as_ref(), default_origin).unwrap();
                    assert_eq!(same.normalised(), current);
                }
            }
        }
    }
}
