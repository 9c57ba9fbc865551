//! CloudFront's managed policies, which users give by name and CloudFront expects by id.

use pipeline::managed::{Managed, named};
use schemars::{Schema, json_schema};
use serde_json::Value;

use crate::shown_json;

pub(crate) fn read(value: &Value, among: &[Managed]) -> Result<Managed, String> {
    let known = value.as_str().and_then(|name| named(name, among));
    known.ok_or_else(|| {
        let names: Vec<String> = among.iter().map(|policy| format!("\"{}\"", policy.name)).collect();
        format!("{} is none of {}", shown_json(value), names.join(", "))
    })
}

pub(crate) fn schema(policies: &[Managed]) -> Schema {
    let names: Vec<&str> = policies.iter().map(|policy| policy.name).collect();
    json_schema!({"type": "string", "enum": names})
}

#[cfg(feature = "cloudfront")]
pub(crate) mod cloudfront {
    use super::Managed;

    /// In the form of the SDK.
    pub(crate) fn id(policy: Option<Managed>) -> Option<String> {
        policy.map(|policy| policy.id.to_owned())
    }

    /// The policy of that id.
    pub(crate) fn by_id(id: Option<&str>, among: &[Managed]) -> Option<Managed> {
        among.iter().copied().find(|policy| Some(policy.id) == id)
    }

    /// The policy that a distribution has; for a policy that no parameter can name, a line says that it will be
    /// removed.
    pub(crate) fn adopt(
        what: &str,
        id: Option<&str>,
        among: &[Managed],
        changes: &mut Vec<String>,
    ) -> Option<&'static str> {
        let policy = by_id(id, among);
        if let (Some(id), None) = (id, policy) {
            changes.push(format!(
                "its {what} {id} can't be named by a parameter and is removed: say what replaces it"
            ));
        }
        policy.map(|policy| policy.name)
    }

    /// A sentence, if they differ.
    pub(crate) fn differences(
        key: &str,
        wanted: Option<Managed>,
        there: Option<&str>,
        among: &[Managed],
    ) -> Vec<String> {
        let name = |id| by_id(Some(id), among).map_or(id, |policy| policy.name);
        crate::cloudfront::unlike(key, there.map(name), wanted.map(|policy| policy.name))
    }
}
