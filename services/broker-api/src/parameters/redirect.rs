//! `redirect_to`: the one host that answers.

use pipeline::domain::covers;
use schemars::Schema;
use serde_json::Value;

use super::origin::Host;
use super::{ParameterError, Parameters, shown, shown_json};
use crate::form::Form;

/// Mostly one of the domains; of another host all the domains are redirected to it. None if an empty one was written.
#[derive(Debug)]
pub(super) struct Target(pub(super) Option<String>);

impl Form for Target {
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

/// The target of before was one of the domains, or below a wildcard of them, and is to go: visitors must not be sent to where
/// nothing answers any more. Edges learn of a change one by one, so the new target has to be there before the old one goes.
pub(super) fn after(current: &Value, parameters: &Parameters) -> Result<(), ParameterError> {
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
                "{} can't take the place of {} in the update that makes it a domain; add it first, with redirect_to, and take \
                 the other away in an update after that",
                shown(now),
                shown(before)
            ),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::parameters::{parse, update};

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
