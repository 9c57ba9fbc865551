//! Whose an instance is: the narrowest thing that the platform tells (OSBAPI profile.md, "Context Object").

use serde_json::{Map, Value};

use crate::body::{Body, text};
use crate::error::OsbError;
use crate::parameters::{shown, shown_json};

/// The tenant: it owns ACME accounts, and within it a domain can be asked for only once. ACME accounts must never be
/// shared wider than trust goes, so without a context it is the instance alone.
pub(crate) fn tenant(body: &Body, instance: &str) -> Result<String, OsbError> {
    let context = match body.0.get("context") {
        None | Some(Value::Null) => return Ok(alone(instance)),
        Some(Value::Object(context)) => context,
        Some(other) => {
            return Err(OsbError::bad_request(format!(
                "context: {} is not an object.",
                shown_json(other)
            )));
        }
    };
    match text(context, "platform", "context.platform")? {
        Some("cloudfoundry") => {
            let organization = match named(context, "organization_guid")? {
                // Deprecated in favour of the context, and the same there (OSBAPI, "Provisioning").
                None => body.text("organization_guid")?,
                found => found,
            }
            .filter(|guid| !guid.is_empty())
            .ok_or_else(|| missing("context.organization_guid"))?;
            // Else an organization could call itself like another kind of tenant.
            if organization.contains([':', '/']) {
                return Err(OsbError::bad_request(format!(
                    "context.organization_guid: {} is not a GUID.",
                    shown(organization)
                )));
            }
            Ok(organization.to_string())
        }
        Some("kubernetes") => {
            let cluster = required(context, "clusterid")?;
            let namespace = required(context, "namespace")?;
            // A slash in either could make two different pairs look the same.
            if cluster.contains('/') || namespace.contains('/') {
                return Err(OsbError::bad_request(format!(
                    "context: clusterid {} and namespace {} can't have a slash.",
                    shown(cluster),
                    shown(namespace)
                )));
            }
            Ok(format!("k8s:{cluster}/{namespace}"))
        }
        _ => Ok(alone(instance)),
    }
}

fn alone(instance: &str) -> String {
    format!("instance:{instance}")
}

fn named<'c>(context: &'c Map<String, Value>, field: &str) -> Result<Option<&'c str>, OsbError> {
    text(context, field, &format!("context.{field}"))
}

fn required<'c>(context: &'c Map<String, Value>, field: &str) -> Result<&'c str, OsbError> {
    named(context, field)?
        .filter(|value| !value.is_empty())
        .ok_or_else(|| missing(&format!("context.{field}")))
}

fn missing(name: &str) -> OsbError {
    OsbError::bad_request(format!(
        "{name} is missing; it is needed to know whose instance this is."
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(body: Value) -> Result<String, OsbError> {
        let Value::Object(fields) = body else {
            panic!("an object")
        };
        tenant(&Body(fields), "i1")
    }

    #[test]
    fn the_tenant_is_the_narrowest_thing_known() {
        let cloud_foundry = json!({"context": {"platform": "cloudfoundry", "organization_guid": "o1"}});
        assert_eq!(of(cloud_foundry).unwrap(), "o1");
        let beside = json!({"context": {"platform": "cloudfoundry"}, "organization_guid": "o2"});
        assert_eq!(of(beside).unwrap(), "o2");
        let kubernetes = json!({"context": {"platform": "kubernetes", "clusterid": "c", "namespace": "n"}});
        assert_eq!(of(kubernetes).unwrap(), "k8s:c/n");
        assert_eq!(of(json!({"organization_guid": "o1"})).unwrap(), "instance:i1");
        assert_eq!(of(json!({"context": {"platform": "other"}})).unwrap(), "instance:i1");
    }

    #[test]
    fn one_tenant_cannot_pass_for_another() {
        for body in [
            json!({"context": {"platform": "cloudfoundry"}}),
            json!({"context": {"platform": "cloudfoundry", "organization_guid": ""}}),
            json!({"context": {"platform": "cloudfoundry", "organization_guid": "instance:i2"}}),
            json!({"context": {"platform": "kubernetes", "clusterid": "c"}}),
            json!({"context": {"platform": "kubernetes", "clusterid": "a/b", "namespace": "c"}}),
            json!({"context": {"platform": "cloudfoundry", "organization_guid": "a\u{0}"}}),
            json!({"context": []}),
        ] {
            assert!(of(body.clone()).is_err(), "{body}");
        }
    }
}
