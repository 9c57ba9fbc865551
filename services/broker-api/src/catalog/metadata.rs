//! `metadata` of the service and of its plans, which user interfaces show (OSBAPI profile.md, "Service Metadata"). The
//! platform accepts any key, and so does this module; keys that have a meaning are checked, and those that look
//! misspelt are refused.

use serde_json::{Map, Value};

use operator_file::{Object, kind, text};

const OF_SERVICE: [&str; 7] = [
    "displayName",
    "imageUrl",
    "longDescription",
    "providerDisplayName",
    "documentationUrl",
    "supportUrl",
    // Cloud Foundry's: whether an instance may be shared with other spaces.
    "shareable",
];
const OF_PLAN: [&str; 3] = ["displayName", "bullets", "costs"];

/// OSBAPI recommends this limit for strings.
const SHORT: usize = 255;
/// Cloud Controller accepts no longer description; for metadata it states no limit.
const LONG: usize = 10_000;
/// Images may be data URLs.
const MOST_URL: usize = 65_536;

/// Checks the service's metadata.
pub(super) fn of_service(service: &Object<'_>) -> Result<Map<String, Value>, String> {
    let Some(metadata) = service.object("metadata")? else {
        return Ok(Map::new());
    };
    metadata.no_misspelt(&OF_SERVICE)?;
    for key in ["displayName", "providerDisplayName"] {
        metadata.text(key, SHORT)?;
    }
    metadata.text("longDescription", LONG)?;
    address(&metadata, "imageUrl", &["https://", "http://", "data:image/"])?;
    address(&metadata, "documentationUrl", &["https://", "http://"])?;
    address(&metadata, "supportUrl", &["https://", "http://", "mailto:"])?;
    metadata.flag("shareable")?;
    Ok(metadata.fields().clone())
}

/// Checks a plan's metadata.
pub(super) fn of_plan(plan: &Object<'_>) -> Result<Map<String, Value>, String> {
    let Some(metadata) = plan.object("metadata")? else {
        return Ok(Map::new());
    };
    metadata.no_misspelt(&OF_PLAN)?;
    metadata.text("displayName", SHORT)?;
    for (path, bullet) in metadata.items("bullets")? {
        text(&path, bullet, SHORT)?;
    }
    for (path, cost) in metadata.items("costs")? {
        check_cost(&Object::of(path, cost)?)?;
    }
    Ok(metadata.fields().clone())
}

/// `{"amount": {"usd": 9.0}, "unit": "MONTHLY"}` (profile.md, "Cost Object").
fn check_cost(cost: &Object<'_>) -> Result<(), String> {
    cost.only(&["amount", "unit"])?;
    cost.needed_text("unit", SHORT)?;
    let amount = cost.object("amount")?.ok_or_else(|| cost.missing("amount"))?;
    if amount.fields().is_empty() {
        return Err(format!("{}: it names no currency, such as \"usd\"", cost.at("amount")));
    }
    for (currency, value) in amount.fields() {
        let path = amount.at(currency);
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(format!(
                "{path}: a currency has three letters, such as \"usd\" (ISO 4217)"
            ));
        }
        match value.as_f64() {
            Some(number) if number >= 0.0 => {}
            Some(_) => return Err(format!("{path}: it is below zero")),
            None => return Err(format!("{path}: {} is not a number", kind(value))),
        }
    }
    Ok(())
}

fn address(metadata: &Object<'_>, key: &str, schemes: &[&str]) -> Result<(), String> {
    match metadata.text(key, MOST_URL)? {
        Some(url)
            if !schemes
                .iter()
                .any(|scheme| url.starts_with(scheme) && url.len() > scheme.len()) =>
        {
            Err(format!(
                "{}: it begins with none of {}",
                metadata.at(key),
                schemes.join(", ")
            ))
        }
        _ => Ok(()),
    }
}
