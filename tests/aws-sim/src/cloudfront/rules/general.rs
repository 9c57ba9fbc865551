//! The distribution as a whole. Source: service model and CloudFront quotas.

use crate::cloudfront::errors::{invalid, refuse};
use crate::error::Answer;
use crate::xml::Element;

/// Aliases per distribution (quota, adjustable).
pub(crate) const MAX_ALIASES: usize = 100;
const MAX_COMMENT: usize = 128;
const MAX_ROOT_OBJECT: usize = 255;

pub(super) fn check(config: &Element) -> Answer<()> {
    if config.given("CallerReference").is_none() {
        return Err(invalid("The parameter CallerReference is required."));
    }
    if config.text_at("Comment").unwrap_or_default().chars().count() > MAX_COMMENT {
        return Err(invalid(format!(
            "The parameter Comment is too long: at most {MAX_COMMENT} characters."
        )));
    }
    let aliases = config.item_texts("Aliases");
    if aliases.len() > MAX_ALIASES {
        let message = "Your request contains more CNAMEs than are allowed per distribution.";
        return Err(refuse("TooManyDistributionCNAMEs", message));
    }
    let root = config.text_at("DefaultRootObject").unwrap_or_default();
    if root.starts_with('/') || root.len() > MAX_ROOT_OBJECT {
        let message = "The default root object file name is too big or contains an invalid character.";
        return Err(refuse("InvalidDefaultRootObject", message));
    }
    if config.text_at("PriceClass") == Some("None") {
        return Err(invalid(
            "The parameter PriceClass must be PriceClass_100, PriceClass_200 or PriceClass_All.",
        ));
    }
    if config.is_true("Staging") || config.text_at("ConnectionMode") == Some("tenant-only") {
        return Err(invalid("Staging and multi-tenant distributions are not simulated."));
    }
    geo(config)
}

fn geo(config: &Element) -> Answer<()> {
    let Some(geo) = config.at("Restrictions/GeoRestriction") else {
        return Ok(());
    };
    let locations = geo.child("Items").map_or(0, |items| items.children.len());
    let none = geo.text_at("RestrictionType") == Some("none");
    if none != (locations == 0) {
        let message = "The specified geo restriction parameter is not valid.";
        return Err(refuse("InvalidGeoRestrictionParameter", message));
    }
    let is_code = |item: &Element| item.text.len() == 2 && item.text.bytes().all(|byte| byte.is_ascii_uppercase());
    match geo
        .child("Items")
        .and_then(|items| items.children.iter().find(|item| !is_code(item)))
    {
        Some(item) => Err(refuse(
            "InvalidLocationCode",
            format!("The location code specified is not valid: {}", item.text),
        )),
        None => Ok(()),
    }
}
