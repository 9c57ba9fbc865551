//! Addresses that Cloud Foundry gives to an app through service bindings (VCAP_SERVICES).

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde_json::Value;

/// The bound address of one of these schemes, if there is one.
///
/// # Errors
/// When VCAP_SERVICES can't be read, or several services have one: the error names the services, never their values.
pub(crate) fn of_environment(schemes: &[&str]) -> Result<Option<SecretString>, String> {
    match std::env::var("VCAP_SERVICES") {
        Ok(services) if !schemes.is_empty() => address(&services, schemes),
        _ => Ok(None),
    }
}

fn address(services: &str, schemes: &[&str]) -> Result<Option<SecretString>, String> {
    let services: BTreeMap<String, Vec<Value>> =
        serde_json::from_str(services).map_err(|_| "it is not the JSON that Cloud Foundry writes".to_owned())?;
    let mut found = Vec::new();
    for bound in services.values().flatten() {
        let credentials = &bound["credentials"];
        // Brokers use one or the other.
        let addresses = [&credentials["uri"], &credentials["url"]]
            .into_iter()
            .filter_map(Value::as_str);
        let ours = |address: &&str| {
            let scheme = address.split_once("://").map(|(scheme, _)| scheme);
            scheme.is_some_and(|scheme| schemes.contains(&scheme))
        };
        if let Some(address) = addresses.into_iter().find(ours) {
            found.push((bound["name"].as_str().unwrap_or("without a name"), address));
        }
    }
    match found.as_slice() {
        [] => Ok(None),
        [(_, address)] => Ok(Some(SecretString::from(*address))),
        several => {
            let names: Vec<&str> = several.iter().map(|(name, _)| *name).collect();
            Err(format!(
                "several services have an address with {}://: {}; bind one of them",
                schemes.join(":// or "),
                names.join(", ")
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;
    use serde_json::json;

    use super::*;

    const POSTGRES: &[&str] = &["postgres", "postgresql"];
    const AMQP: &[&str] = &["amqp", "amqps"];

    fn of(services: &Value, schemes: &[&str]) -> Result<Option<String>, String> {
        let found = address(&services.to_string(), schemes)?;
        Ok(found.map(|address| address.expose_secret().to_owned()))
    }

    #[test]
    fn each_address_is_found_by_its_scheme_whatever_the_service_is_called() {
        let services = json!({
            "aws-rds": [{"name": "cdn-db", "label": "aws-rds", "credentials": {
                "db_name": "cdn", "uri": "postgres://u:p@db.example.com:5432/cdn",
            }}],
            "p.rabbitmq": [{"name": "cdn-queue", "label": "p.rabbitmq", "credentials": {
                "http_api_uri": "https://u:p@rabbit.example.com:15672/api/", "uri": "amqps://u:p@rabbit.example.com/vhost",
            }}],
            "user-provided": [
                {"name": "logs", "credentials": {}, "syslog_drain_url": "syslog://logs.example.com"},
                {"name": "other", "credentials": {"url": "https://other.example.com"}},
            ],
        });
        let postgres = Some("postgres://u:p@db.example.com:5432/cdn".to_owned());
        assert_eq!(of(&services, POSTGRES), Ok(postgres));
        assert_eq!(
            of(&services, AMQP),
            Ok(Some("amqps://u:p@rabbit.example.com/vhost".to_owned()))
        );
        assert_eq!(of(&json!({}), AMQP), Ok(None));
        let older = json!({"elephantsql": [{"name": "db", "credentials": {"url": "postgresql://u:p@db/cdn"}}]});
        assert_eq!(of(&older, POSTGRES), Ok(Some("postgresql://u:p@db/cdn".to_owned())));
    }

    #[test]
    fn two_of_a_kind_are_named_but_not_what_they_hold() {
        let one = |name: &str| json!({"name": name, "credentials": {"uri": "amqp://u:hunter2@rabbit/"}});
        let services = json!({"rabbit": [one("first"), one("second")]});
        let why = of(&services, AMQP).unwrap_err();
        assert!(why.contains("first, second") && !why.contains("hunter2"), "{why}");
    }

    #[test]
    fn what_cannot_be_read_is_said_without_a_word_of_it() {
        for odd in ["", "hunter2", "[\"hunter2\"]", "{\"a\": \"hunter2\"}"] {
            let why = address(odd, AMQP).unwrap_err();
            assert!(!why.contains("hunter2"), "{why}");
        }
    }
}
