//! The response documents of the operations.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::distribution::Distribution;
use crate::xml::{Element, list_of};

/// A `Distribution`.
pub fn distribution(it: &Distribution) -> Element {
    let none = |name: &str| {
        Element::node(
            name,
            vec![Element::leaf("Enabled", "false"), Element::leaf("Quantity", "0")],
        )
    };
    let children = vec![
        Element::leaf("Id", &it.id),
        Element::leaf("ARN", it.arn()),
        Element::leaf("Status", it.status()),
        Element::leaf("LastModifiedTime", timestamp(it.modified)),
        Element::leaf("InProgressInvalidationBatches", "0"),
        Element::leaf("DomainName", &it.domain_name),
        none("ActiveTrustedSigners"),
        none("ActiveTrustedKeyGroups"),
        it.config.clone(),
        alias_records(it),
    ];
    let mut out = Element::node("Distribution", children);
    if let Some(config) = out.child_mut("DistributionConfig") {
        config.namespace = None;
    }
    out
}

/// A `DistributionList` page.
pub fn distribution_list(page: &[&Distribution], marker: Option<&str>, max_items: usize, more: bool) -> Element {
    let mut children = vec![
        Element::leaf("Marker", marker.unwrap_or_default()),
        Element::leaf("MaxItems", max_items.to_string()),
        Element::leaf("IsTruncated", more.to_string()),
        Element::leaf("Quantity", page.len().to_string()),
    ];
    if let (true, Some(last)) = (more, page.last()) {
        children.insert(1, Element::leaf("NextMarker", &last.id));
    }
    if !page.is_empty() {
        children.push(Element::node("Items", page.iter().map(|it| summary(it)).collect()));
    }
    Element::node("DistributionList", children)
}

fn summary(it: &Distribution) -> Element {
    let mut children = vec![
        Element::leaf("Id", &it.id),
        Element::leaf("ARN", it.arn()),
        Element::leaf("ETag", &it.etag),
        Element::leaf("Status", it.status()),
        Element::leaf("LastModifiedTime", timestamp(it.modified)),
        Element::leaf("DomainName", &it.domain_name),
    ];
    let shown = [
        "Aliases",
        "Origins",
        "OriginGroups",
        "DefaultCacheBehavior",
        "CacheBehaviors",
        "CustomErrorResponses",
        "Comment",
        "PriceClass",
        "Enabled",
        "ViewerCertificate",
        "Restrictions",
        "WebACLId",
        "HttpVersion",
        "IsIPV6Enabled",
        "Staging",
        "ConnectionMode",
    ];
    children.extend(shown.iter().filter_map(|name| it.config.child(name)).cloned());
    children.push(alias_records(it));
    Element::node("DistributionSummary", children)
}

fn alias_records(it: &Distribution) -> Element {
    let records = it.aliases().into_iter().map(|alias| {
        let children = vec![
            Element::leaf("CNAME", alias),
            Element::leaf("ICPRecordalStatus", "APPROVED"),
        ];
        Element::node("AliasICPRecordal", children)
    });
    Element::node("AliasICPRecordals", records.collect())
}

/// `Tags`.
pub fn tags(tags: &BTreeMap<String, String>) -> Element {
    let items = tags
        .iter()
        .map(|(key, value)| Element::node("Tag", vec![Element::leaf("Key", key), Element::leaf("Value", value)]));
    let mut list = list_of("Tags", items.collect());
    list.children.retain(|child| child.name == "Items");
    list
}

/// A time in the format of the XML.
pub fn timestamp(time: OffsetDateTime) -> String {
    let whole = time.replace_nanosecond(0).unwrap_or(time);
    whole.format(&Rfc3339).unwrap_or_default()
}
