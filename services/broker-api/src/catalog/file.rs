//! CATALOG_FILE: the catalog in OSBAPI's own form, without the fields that the broker decides itself, and with the
//! operator's `settings` for each plan. docs/catalog.example.json is an example. Any error in it keeps the broker from
//! starting.

use std::path::Path;
use std::str::FromStr;

use parameters::shown;
use pipeline::instance::{KeyType, PriceClass};
use serde_json::Value;

use crate::catalog::access_logs::access_logs;
use crate::catalog::metadata;
use crate::catalog::offering::{MAXIMUM_POLLING_SECONDS, MaintenanceInfo, Offering, Plan, PlanSettings};
use crate::catalog::semantic_version::is_semantic_version;
use operator_file::{Object, read, text};

const OF_FILE: [&str; 1] = ["services"];
const OF_SERVICE: [&str; 12] = [
    "id",
    "name",
    "description",
    "tags",
    "metadata",
    "plan_updateable",
    "plans",
    "bindable",
    "instances_retrievable",
    "bindings_retrievable",
    "allow_context_updates",
    "requires",
];
const OF_PLAN: [&str; 11] = [
    "id",
    "name",
    "description",
    "free",
    "plan_updateable",
    "maximum_polling_duration",
    "maintenance_info",
    "metadata",
    "settings",
    "bindable",
    "schemas",
];

/// OSBAPI: "It is RECOMMENDED that strings do not exceed 255 characters", and `cf marketplace` prints it on one line.
const SHORT: usize = 255;
/// Cloud Controller's limit for all tags together.
const MOST_TAGS: usize = 2048;
/// Cloud Controller accepts 2,000 characters of `maintenance_info` as JSON.
const MOST_MAINTENANCE: usize = 1_800;
/// The bounds of `maximum_polling_duration`: no operation completes within a minute, and more than a year is a mistake.
const POLLING: std::ops::RangeInclusive<u64> = 60..=366 * 86_400;

/// The contents of CATALOG_FILE; `None` when the setting is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct CatalogFile(pub(crate) Option<Offering>);

impl FromStr for CatalogFile {
    type Err = String;

    /// Reads the named file, unless the name is empty.
    fn from_str(path: &str) -> Result<Self, String> {
        match path {
            "" => Ok(Self(None)),
            path => offering(&read(Path::new(path))?).map(|offering| Self(Some(offering))),
        }
    }
}

pub(super) fn offering(value: &Value) -> Result<Offering, String> {
    let file = Object::of("", value)?;
    file.only(&OF_FILE)?;
    let services = file.items("services")?;
    let [(path, service)] = services.as_slice() else {
        return Err(format!(
            "services: {} are there; this broker has one service, with one or more plans",
            services.len()
        ));
    };
    let service = Object::of(path, service)?;
    service.only(&OF_SERVICE)?;
    for (key, is) in [
        ("bindable", false),
        ("instances_retrievable", true),
        ("bindings_retrievable", false),
        ("allow_context_updates", false),
    ] {
        decided(&service, key, is)?;
    }
    if !service.items("requires")?.is_empty() {
        return Err(format!(
            "{}: this broker needs no permission; leave it out",
            service.at("requires")
        ));
    }
    let plans = service
        .items("plans")?
        .into_iter()
        .map(|(path, plan)| self::plan(&Object::of(path, plan)?))
        .collect::<Result<Vec<_>, _>>()?;
    if plans.is_empty() {
        return Err(format!(
            "{}: there is no plan; at least one is needed",
            service.at("plans")
        ));
    }
    let offering = Offering {
        id: id(&service)?,
        name: name(&service)?,
        description: service.needed_text("description", SHORT)?.to_string(),
        tags: tags(&service)?,
        metadata: metadata::of_service(&service)?,
        plan_updateable: service.flag("plan_updateable")?.unwrap_or(false),
        plans,
    };
    unique(&offering, &service)?;
    Ok(offering)
}

fn plan(plan: &Object<'_>) -> Result<Plan, String> {
    plan.only(&OF_PLAN)?;
    decided(plan, "bindable", false)?;
    if plan.get("schemas").is_some() {
        return Err(format!(
            "{}: the broker makes them itself; leave it out",
            plan.at("schemas")
        ));
    }
    Ok(Plan {
        id: id(plan)?,
        name: name(plan)?,
        description: plan.needed_text("description", SHORT)?.to_string(),
        free: plan.flag("free")?.unwrap_or(true),
        plan_updateable: plan.flag("plan_updateable")?,
        maximum_polling_duration: polling(plan)?,
        maintenance_info: maintenance(plan)?,
        metadata: metadata::of_plan(plan)?,
        settings: settings(plan)?,
    })
}

/// A field that the program decides may be in the file, provided that it has the value that the program decides.
fn decided(object: &Object<'_>, key: &str, is: bool) -> Result<(), String> {
    match object.flag(key)? {
        Some(given) if given != is => Err(format!(
            "{}: it is always {is} with this broker; leave it out",
            object.at(key)
        )),
        _ => Ok(()),
    }
}

/// An id is used in paths and queries: RFC 3986 §2.3's unreserved characters, as OSBAPI recommends ("URL Properties").
fn id<'v>(object: &Object<'v>) -> Result<String, String> {
    let id = object.needed_text("id", SHORT)?;
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if id.bytes().all(unreserved) {
        Ok(id.to_string())
    } else {
        Err(format!(
            "{}: {} has other characters than letters, digits and -._~; a GUID is best",
            object.at("id"),
            shown(id)
        ))
    }
}

/// Users type names: OSBAPI's "CLI-friendly", plus the underscore, which SERVICE_NAME and PLAN_NAME allow too.
fn name(object: &Object<'_>) -> Result<String, String> {
    let name = object.needed_text("name", SHORT)?;
    let typed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if name.bytes().all(typed) && name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        Ok(name.to_string())
    } else {
        Err(format!(
            "{}: {} is not easy to type; use letters, digits, hyphens, dots and underscores, a letter or digit first",
            object.at("name"),
            shown(name)
        ))
    }
}

fn tags(service: &Object<'_>) -> Result<Vec<String>, String> {
    let tags = service
        .items("tags")?
        .into_iter()
        .map(|(path, tag)| text(&path, tag, SHORT).map(str::to_string))
        .collect::<Result<Vec<_>, _>>()?;
    let length: usize = tags.iter().map(|tag| tag.chars().count()).sum();
    if length > MOST_TAGS {
        return Err(format!(
            "{}: they have {length} characters together; Cloud Controller accepts {MOST_TAGS}",
            service.at("tags")
        ));
    }
    Ok(tags)
}

fn polling(plan: &Object<'_>) -> Result<u32, String> {
    let Some(value) = plan.get("maximum_polling_duration") else {
        return Ok(MAXIMUM_POLLING_SECONDS);
    };
    value
        .as_u64()
        .filter(|seconds| POLLING.contains(seconds))
        .and_then(|seconds| seconds.try_into().ok())
        .ok_or_else(|| {
            format!(
                "{}: whole seconds from {} to {} are needed; without it, it is {MAXIMUM_POLLING_SECONDS} (8 days)",
                plan.at("maximum_polling_duration"),
                POLLING.start(),
                POLLING.end()
            )
        })
}

fn maintenance(plan: &Object<'_>) -> Result<Option<MaintenanceInfo>, String> {
    let Some(info) = plan.object("maintenance_info")? else {
        return Ok(None);
    };
    info.only(&["version", "description"])?;
    let version = info.needed_text("version", 100)?;
    if !is_semantic_version(version) {
        return Err(format!(
            "{}: {} is not a semantic version such as 1.2.0",
            info.at("version"),
            shown(version)
        ));
    }
    Ok(Some(MaintenanceInfo {
        version: version.to_string(),
        description: info.text("description", MOST_MAINTENANCE)?.map(str::to_string),
    }))
}

fn settings(plan: &Object<'_>) -> Result<PlanSettings, String> {
    let Some(settings) = plan.object("settings")? else {
        return Ok(PlanSettings::default());
    };
    settings.only(&[
        "price_class",
        "access_logs",
        "certificate_key_type",
        "certificate_authorities",
    ])?;
    Ok(PlanSettings {
        price_class: one_of(&settings, "price_class", PriceClass::ALL, PriceClass::as_str)?,
        access_logs: access_logs(&settings)?,
        certificate_key_type: one_of(&settings, "certificate_key_type", KeyType::ALL, KeyType::as_str)?,
        certificate_authorities: authorities(&settings)?,
    })
}

/// The names of CAs, as certificate-issuer has them.
fn authorities(settings: &Object<'_>) -> Result<Vec<String>, String> {
    let mut names: Vec<String> = Vec::new();
    for (path, item) in settings.items("certificate_authorities")? {
        let name = text(&path, item, SHORT)?;
        if names.iter().any(|known| known == name) {
            return Err(format!("{path}: {} is named twice", shown(name)));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// The value that `key` names, if the key is present.
fn one_of<T: Copy, const N: usize>(
    settings: &Object<'_>,
    key: &str,
    all: [T; N],
    name: fn(T) -> &'static str,
) -> Result<Option<T>, String> {
    let Some(given) = settings.text(key, SHORT)? else {
        return Ok(None);
    };
    let found = all.into_iter().find(|one| name(*one) == given);
    let none = || {
        format!(
            "{}: {} is none of {}",
            settings.at(key),
            shown(given),
            all.map(name).join(", ")
        )
    };
    found.map(Some).ok_or_else(none)
}

/// OSBAPI: ids are "globally unique", names of plans are unique within the service.
fn unique(offering: &Offering, service: &Object<'_>) -> Result<(), String> {
    for (index, plan) in offering.plans.iter().enumerate() {
        let path = format!("{}[{index}]", service.at("plans"));
        if plan.id == offering.id {
            return Err(format!("{path}.id: {} is the service's id as well", shown(&plan.id)));
        }
        for (earlier, other) in offering.plans[..index].iter().enumerate() {
            let also = |key: &str, value: &str| {
                let other = format!("{}[{earlier}].{key}", service.at("plans"));
                Err(format!(
                    "{path}.{key}: {} is the {key} of {other} as well",
                    shown(value)
                ))
            };
            if plan.id == other.id {
                return also("id", &plan.id);
            }
            if plan.name == other.name {
                return also("name", &plan.name);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
