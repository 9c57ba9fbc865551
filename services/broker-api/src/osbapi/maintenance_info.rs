//! `maintenance_info`: the version of a plan that a platform refers to (OSBAPI, "Maintenance Info Object").

use parameters::{Field, shown};
use schemars::{Schema, json_schema};
use serde_json::{Value, json};

use crate::catalog::offering::Plan;
use crate::osbapi::error::OsbError;
use crate::osbapi::request_field::{Object, Text};

/// The version that a request names, if any. "Any field except for `maintenance_info.version` will be ignored";
/// OSBAPI's own Go client sends an empty object with every request.
#[derive(Debug)]
pub(crate) struct AskedVersion(Option<String>);

impl Field for AskedVersion {
    fn read(value: &Value) -> Result<Self, String> {
        let Object(fields) = Object::read(value)?;
        match fields.get("version") {
            None | Some(Value::Null) => Ok(Self(None)),
            Some(version) => Text::read(version)
                .map(|text| Self(Some(text.0)))
                .map_err(|fault| format!("its version {fault}")),
        }
    }

    fn schema() -> Schema {
        let mut version = Text::schema();
        version.insert("type".to_owned(), json!(["string", "null"]));
        json_schema!({"type": "object", "properties": {"version": version}})
    }
}

/// 422 `MaintenanceInfoConflict` when the request names another version of the plan than the current one: the
/// platform's copy of the catalog is outdated. For provisions and updates.
pub(crate) fn check(asked: Option<&AskedVersion>, plan: &Plan) -> Result<(), OsbError> {
    let Some(AskedVersion(Some(asked))) = asked else {
        return Ok(());
    };
    let conflict = |there_is: String| {
        Err(OsbError::named(
            "MaintenanceInfoConflict",
            format!(
                "maintenance_info.version: {} was asked for, but plan {} {there_is}. The platform has an old catalog; \
                 its operator renews it (Cloud Foundry: cf update-service-broker).",
                shown(asked),
                plan.name
            ),
        ))
    };
    match &plan.maintenance_info {
        Some(info) if info.version == *asked => Ok(()),
        Some(info) => conflict(format!("is at {}", info.version)),
        None => conflict("has no versions".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::tests::two_plans;
    use axum::response::IntoResponse as _;

    fn status(maintenance_info: Value, plan: &Plan) -> u16 {
        let asked = match maintenance_info {
            Value::Null => None,
            value => match AskedVersion::read(&value) {
                Ok(asked) => Some(asked),
                Err(_) => return 400,
            },
        };
        check(asked.as_ref(), plan).map_or_else(|error| error.into_response().status().as_u16(), |()| 200)
    }

    #[test]
    fn only_the_plans_own_version_passes() {
        let offering = two_plans();
        let (versioned, plain) = (&offering.plans[1], &offering.plans[0]);
        for (asked, of_versioned, of_plain) in [
            (json!(null), 200, 200),
            (json!({"version": "1.2.0"}), 200, 422),
            (json!({"version": "1.2.0", "description": 5, "more": []}), 200, 422),
            (json!({"version": "1.2"}), 422, 422),
            (json!({"version": "1.3.0"}), 422, 422),
            (json!({}), 200, 200),
            (json!({"version": null}), 200, 200),
            (json!({"description": "of tomorrow"}), 200, 200),
            (json!({"version": 1}), 400, 400),
            (json!("1.2.0"), 400, 400),
        ] {
            assert_eq!(status(asked.clone(), versioned), of_versioned, "{asked}");
            assert_eq!(status(asked.clone(), plain), of_plain, "{asked}");
        }
    }
}
