//! The tenant of an instance: the narrowest owner that the platform names (OSBAPI profile.md, "Context Object").

use parameters::{Field as _, shown};
use pipeline::proof::responder_origin_path;
use pipeline::tenant::{self, EVERYBODY, GENERATION};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::osbapi::error::OsbError;
use crate::osbapi::request_field::Text;

/// The most characters of the responder's path for a tenant. CloudFront accepts an `OriginPath` of 255; the rest is
/// reserve.
const MOST_PATH: usize = 200;

/// The tenant owns ACME accounts, and within a tenant a domain can be requested only once. ACME accounts must never be
/// shared beyond a trust boundary, so without a context the tenant is the instance alone.
///
/// `organization` is the deprecated field beside the context. Cloud Foundry (and Korifi, which sends the same context)
/// has GUIDs, which are never reused; a namespace is a name, whose generations the store tracks. SAP Service Manager,
/// where it is a platform itself (`sapcp`, `service-manager`), has subaccounts, and sends `-` for every organization
/// (Peripli/service-manager, `smaap_service_instance_interceptor.go`): outside of Cloud Foundry only a GUID is accepted
/// as naming one organization. With any other context the tenant is the instance alone.
pub(crate) fn tenant(
    context: Option<&Map<String, Value>>,
    organization: Option<&str>,
    instance: &str,
) -> Result<String, OsbError> {
    let (named_by, tenant) = told(context, organization, instance)?;
    // A path that is too long would otherwise fail only when CloudFront reads it.
    let length = responder_origin_path(&tenant).chars().count();
    if length > MOST_PATH {
        return Err(OsbError::bad_request(format!(
            "{named_by}: {} is too long: the path made of it has {length} characters, and at most {MOST_PATH} are \
             allowed. ASCII letters, digits, hyphens and underscores count as one character each, all others as \
             several.",
            shown(&tenant)
        )));
    }
    Ok(tenant)
}

/// The tenant, and the field that names it.
fn told(
    context: Option<&Map<String, Value>>,
    organization: Option<&str>,
    instance: &str,
) -> Result<(&'static str, String), OsbError> {
    let Some(context) = context else {
        return Ok(organization_or_alone(organization, instance));
    };
    let platform = named(context, "platform")?.map(|platform| platform.to_ascii_lowercase());
    match platform.as_deref() {
        Some("cloudfoundry") => {
            let organization = match named(context, "organization_guid")? {
                // Deprecated in favour of the context, and with the same meaning there (OSBAPI, "Provisioning").
                None => organization.map(str::to_owned),
                found => found,
            }
            .filter(|guid| !guid.is_empty())
            .ok_or_else(|| missing("context.organization_guid"))?;
            unlike_other_kinds("context.organization_guid", &organization)?;
            Ok(("context.organization_guid", organization))
        }
        Some("kubernetes") => {
            let cluster = required(context, "clusterid")?;
            let namespace = required(context, "namespace")?;
            // A slash in either could make two different pairs look the same; the generation's separator could make a
            // name look like a name with a generation.
            if [&cluster, &namespace]
                .iter()
                .any(|name| name.contains(['/', GENERATION]))
            {
                return Err(OsbError::bad_request(format!(
                    "context: clusterid {} and namespace {} can't have a slash or a {GENERATION}.",
                    shown(&cluster),
                    shown(&namespace)
                )));
            }
            Ok((
                "context.clusterid and context.namespace",
                tenant::namespace(&cluster, &namespace),
            ))
        }
        Some("sapcp" | "service-manager") => {
            match named(context, SUBACCOUNT)?.filter(|subaccount| !subaccount.is_empty()) {
                Some(subaccount) => {
                    unlike_other_kinds("context.subaccount_id", &subaccount)?;
                    Ok(("context.subaccount_id", format!("subaccount:{subaccount}")))
                }
                None => Ok(organization_or_alone(organization, instance)),
            }
        }
        _ => Ok(organization_or_alone(organization, instance)),
    }
}

/// SAP Service Manager's field for the owner of an instance.
const SUBACCOUNT: &str = "subaccount_id";

/// Otherwise an organization could choose an id that looks like another kind of tenant.
fn unlike_other_kinds(field: &str, id: &str) -> Result<(), OsbError> {
    match id.contains([':', '/', GENERATION]) || id == EVERYBODY {
        true => Err(OsbError::bad_request(format!("{field}: {} is not a GUID.", shown(id)))),
        false => Ok(()),
    }
}

/// A placeholder that is sent for every organization would give all of them one ACME account.
fn organization_or_alone(organization: Option<&str>, instance: &str) -> (&'static str, String) {
    match organization.filter(|guid| Uuid::try_parse(guid).is_ok()) {
        Some(guid) => ("organization_guid", guid.to_owned()),
        None => ("The instance id", format!("instance:{instance}")),
    }
}

fn named(context: &Map<String, Value>, field: &str) -> Result<Option<String>, OsbError> {
    let Some(value) = context.get(field).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    Text::read(value)
        .map(|text| Some(text.0))
        .map_err(|fault| OsbError::bad_request(format!("context.{field}: {fault}.")))
}

fn required(context: &Map<String, Value>, field: &str) -> Result<String, OsbError> {
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
        tenant(body["context"].as_object(), body["organization_guid"].as_str(), "i1")
    }

    fn cloud_foundry(organization: &str) -> Result<String, OsbError> {
        of(json!({"context": {"platform": "cloudfoundry", "organization_guid": organization}}))
    }

    #[test]
    fn a_tenant_fits_into_an_origin_path() {
        let most = MOST_PATH - "/acme/".len();
        assert!(cloud_foundry(&"o".repeat(most)).is_ok());
        assert!(cloud_foundry(&"o".repeat(most + 1)).is_err());
        assert!(cloud_foundry(&"Ü".repeat(48)).is_ok());
        assert!(cloud_foundry(&"Ü".repeat(49)).is_err());
        let namespace = "n".repeat(most);
        let kubernetes = json!({"context": {"platform": "kubernetes", "clusterid": "c", "namespace": namespace}});
        assert!(of(kubernetes).is_err());
        let alone = |id: &str| tenant(None, None, id);
        assert!(alone(&"i".repeat(36)).is_ok());
        assert!(alone(&"i".repeat(255)).is_err());
    }

    #[test]
    fn the_tenant_is_the_narrowest_thing_known() {
        assert_eq!(cloud_foundry("o1").unwrap(), "o1");
        let beside = json!({"context": {"platform": "cloudfoundry"}, "organization_guid": "o2"});
        assert_eq!(of(beside).unwrap(), "o2");
        let kubernetes = json!({"context": {"platform": "kubernetes", "clusterid": "c", "namespace": "n"}});
        assert_eq!(of(kubernetes).unwrap(), "k8s:c/n");
        let capitals = json!({"context": {"platform": "CloudFoundry", "organization_guid": "o1"}});
        assert_eq!(of(capitals).unwrap(), "o1");
    }

    #[test]
    fn a_platform_without_a_context_of_its_own_tells_the_organization_by_its_guid() {
        let guid = "8b8c5c1e-2f1c-4c53-9b0e-6c9d6a1f0a01";
        for context in [
            json!(null),
            json!({}),
            json!({"platform": "other"}),
            json!({"platform": "sapcp"}),
        ] {
            let of = |organization: &str| of(json!({"context": context, "organization_guid": organization})).unwrap();
            assert_eq!(of(guid), guid, "{context}");
            // SAP Service Manager's placeholder for every organization, and similar ones.
            for word in ["-", "", "none", "o1", "subaccount:s1"] {
                assert_eq!(of(word), "instance:i1", "{context} {word}");
            }
        }
        assert_eq!(of(json!({})).unwrap(), "instance:i1");
    }

    #[test]
    fn a_subaccount_of_sap_service_manager_is_a_tenant() {
        for platform in ["sapcp", "service-manager", "SAPCP"] {
            let body = |subaccount: &str| json!({"context": {"platform": platform, "subaccount_id": subaccount}, "organization_guid": "-"});
            assert_eq!(of(body("98cbd1c8")).unwrap(), "subaccount:98cbd1c8");
            assert_eq!(of(body("")).unwrap(), "instance:i1");
            assert!(of(body("a/b")).is_err());
        }
    }

    #[test]
    fn one_tenant_cannot_pass_for_another() {
        for body in [
            json!({"context": {"platform": "cloudfoundry"}}),
            json!({"context": {"platform": "cloudfoundry", "organization_guid": ""}}),
            json!({"context": {"platform": "cloudfoundry", "organization_guid": "instance:i2"}}),
            json!({"context": {"platform": "kubernetes", "clusterid": "c"}}),
            json!({"context": {"platform": "kubernetes", "clusterid": "a/b", "namespace": "c"}}),
            json!({"context": {"platform": "kubernetes", "clusterid": "a", "namespace": "c#1"}}),
            json!({"context": {"platform": "cloudfoundry", "organization_guid": "a\u{0}"}}),
            json!({"context": {"platform": "cloudfoundry", "organization_guid": "*"}}),
        ] {
            assert!(of(body.clone()).is_err(), "{body}");
        }
    }
}
