//! `redirect_to`: the one host that answers.

use schemars::{Schema, json_schema};
use serde_json::Value;

use super::{host_name, shown_json};
use crate::form::Form;

/// Mostly one of the domains; of another host all the domains are redirected to it. None if an empty one was written.
#[derive(Debug)]
pub(super) struct Target(pub(super) Option<String>);

impl Form for Target {
    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::String(text) if text.trim().is_empty() => Ok(Self(None)),
            Value::String(text) => host_name(text).map(|host| Self(Some(host))),
            other => Err(format!(
                "{} is not a string; write one of the domains, such as \"www.example.com\"",
                shown_json(other)
            )),
        }
    }

    fn schema() -> Schema {
        json_schema!({"type": "string"})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::parameters::parse;

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
}
