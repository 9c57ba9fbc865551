//! Tags of distributions. Source: service model, `Tag`; quota of 50 per resource.

use std::collections::BTreeMap;

use super::errors::{invalid, refuse};
use crate::error::Answer;
use crate::xml::Element;

const MAX_TAGS: usize = 50;

/// Parses `<Tags><Items><Tag>…` and checks each tag.
pub fn read(tags: &Element) -> Answer<BTreeMap<String, String>> {
    let mut out = BTreeMap::new();
    for tag in tags.child("Items").into_iter().flat_map(|items| &items.children) {
        let key = tag.text_at("Key").unwrap_or_default();
        let value = tag.text_at("Value").unwrap_or_default();
        check(key, value)?;
        if out.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(refuse(
                "InvalidTagging",
                format!("The tag key {key} is given more than once."),
            ));
        }
    }
    within_quota(&out)?;
    Ok(out)
}

fn check(key: &str, value: &str) -> Answer<()> {
    let allowed = |text: &str| {
        text.chars()
            .all(|c| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c))
    };
    let key_fits = (1..=128).contains(&key.chars().count()) && allowed(key);
    let value_fits = value.chars().count() <= 256 && allowed(value);
    if !key_fits || !value_fits || key.to_ascii_lowercase().starts_with("aws:") {
        return Err(refuse(
            "InvalidTagging",
            format!("The tagging specified is not valid: {key}"),
        ));
    }
    Ok(())
}

/// Refuses more tags than the quota allows.
pub fn within_quota(tags: &BTreeMap<String, String>) -> Answer<()> {
    if tags.len() > MAX_TAGS {
        return Err(refuse(
            "InvalidTagging",
            format!("A resource cannot have more than {MAX_TAGS} tags."),
        ));
    }
    Ok(())
}

/// The distribution id in the ARN that the tagging operations take.
pub fn distribution_of(resource: Option<&str>) -> Answer<&str> {
    let resource = resource.ok_or_else(|| invalid("The parameter Resource is required."))?;
    let prefix = format!("arn:aws:cloudfront::{}:distribution/", crate::ids::ACCOUNT);
    resource
        .strip_prefix(&prefix)
        .ok_or_else(|| match resource.starts_with("arn:aws:cloudfront::") {
            true => refuse("NoSuchResource", "A resource that was specified is not valid."),
            false => invalid("The parameter Resource is not the ARN of a CloudFront resource."),
        })
}

/// The keys in `<TagKeys><Items><Key>…`.
pub fn keys(document: &Element) -> Vec<String> {
    document.child("Items").map_or_else(Vec::new, |items| {
        items.children.iter().map(|key| key.text.clone()).collect()
    })
}
