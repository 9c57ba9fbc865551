//! The fields that the service adds to an incomplete configuration, and that an update therefore must not omit.
//!
//! Sources: Developer Guide, "Required fields for creating and updating distributions"; defaults from the service
//! model's documentation of each member.

use super::errors::refuse;
use crate::error::Answer;
use crate::xml::{Element, list};

/// Added by the service when missing, but not required in an update by the Developer Guide's table.
const NOT_REQUIRED: [&str; 13] = [
    "ConnectionMode",
    "ContinuousDeploymentPolicyId",
    "FunctionAssociations",
    "GrpcConfig",
    "IsIPV6Enabled",
    "OriginAccessControlId",
    "OriginGroups",
    "OriginShield",
    "QueryStringCacheKeys",
    "Staging",
    "TrustedKeyGroups",
    "CertificateSource",
    "Certificate",
];

/// Adds every field that the service returns; returns the paths of the added ones.
pub fn complete(config: &mut Element) -> Vec<String> {
    let mut added = Vec::new();
    let mut filler = Filler { added: &mut added };
    filler.distribution(config);
    added
}

struct Filler<'a> {
    added: &'a mut Vec<String>,
}

impl Filler<'_> {
    fn add(&mut self, parent: &mut Element, path: &str, child: Element) {
        if parent.child(&child.name).is_none() {
            self.added.push(format!("{path}/{}", child.name));
            parent.children.push(child);
        }
    }

    fn leaves(&mut self, parent: &mut Element, path: &str, leaves: &[(&str, &str)]) {
        for (name, text) in leaves {
            self.add(parent, path, Element::leaf(name, *text));
        }
    }

    fn empty_lists(&mut self, parent: &mut Element, path: &str, names: &[&str]) {
        for name in names {
            self.add(parent, path, list(name, "", &[] as &[&str]));
        }
    }

    fn distribution(&mut self, config: &mut Element) {
        let path = "DistributionConfig";
        self.empty_lists(config, path, &["Aliases"]);
        self.leaves(config, path, &[("DefaultRootObject", "")]);
        if let Some(origins) = config.child_mut("Origins") {
            for origin in items_mut(origins) {
                self.origin(origin);
            }
        }
        self.empty_lists(config, path, &["OriginGroups"]);
        if let Some(behaviour) = config.child_mut("DefaultCacheBehavior") {
            self.behaviour(behaviour, "DefaultCacheBehavior");
        }
        self.empty_lists(config, path, &["CacheBehaviors", "CustomErrorResponses"]);
        for behaviour in config.child_mut("CacheBehaviors").into_iter().flat_map(items_mut) {
            self.behaviour(behaviour, "CacheBehavior");
        }
        for response in config.child_mut("CustomErrorResponses").into_iter().flat_map(items_mut) {
            self.leaves(response, "CustomErrorResponse", &[("ErrorCachingMinTTL", "10")]);
        }
        let off = [
            ("Enabled", "false"),
            ("IncludeCookies", "false"),
            ("Bucket", ""),
            ("Prefix", ""),
        ];
        self.add(config, path, leaves_of("Logging", &off));
        self.leaves(config, path, &[("PriceClass", "PriceClass_All")]);
        let default = [("CloudFrontDefaultCertificate", "true")];
        self.add(config, path, leaves_of("ViewerCertificate", &default));
        if let Some(certificate) = config.child_mut("ViewerCertificate") {
            self.viewer_certificate(certificate);
        }
        let geo = Element::node(
            "GeoRestriction",
            vec![Element::leaf("RestrictionType", "none"), Element::leaf("Quantity", "0")],
        );
        self.add(config, path, Element::node("Restrictions", vec![geo]));
        let rest = [
            ("WebACLId", ""),
            ("HttpVersion", "http2"),
            ("IsIPV6Enabled", "false"),
            ("ContinuousDeploymentPolicyId", ""),
            ("Staging", "false"),
            ("ConnectionMode", "direct"),
        ];
        self.leaves(config, path, &rest);
    }

    fn origin(&mut self, origin: &mut Element) {
        self.leaves(origin, "Origin", &[("OriginPath", "")]);
        self.empty_lists(origin, "Origin", &["CustomHeaders"]);
        if let Some(custom) = origin.child_mut("CustomOriginConfig") {
            self.add(
                custom,
                "CustomOriginConfig",
                list("OriginSslProtocols", "SslProtocol", &["TLSv1.2"]),
            );
            let times = [("OriginReadTimeout", "30"), ("OriginKeepaliveTimeout", "5")];
            self.leaves(custom, "CustomOriginConfig", &times);
        }
        self.leaves(
            origin,
            "Origin",
            &[("ConnectionAttempts", "3"), ("ConnectionTimeout", "10")],
        );
        self.add(origin, "Origin", leaves_of("OriginShield", &[("Enabled", "false")]));
        self.leaves(origin, "Origin", &[("OriginAccessControlId", "")]);
    }

    fn behaviour(&mut self, behaviour: &mut Element, path: &str) {
        for name in ["TrustedSigners", "TrustedKeyGroups"] {
            self.add(
                behaviour,
                path,
                leaves_of(name, &[("Enabled", "false"), ("Quantity", "0")]),
            );
        }
        let safe = ["HEAD", "GET"];
        self.add(behaviour, path, list("AllowedMethods", "Method", &safe));
        if let Some(allowed) = behaviour.child_mut("AllowedMethods") {
            self.add(
                allowed,
                &format!("{path}/AllowedMethods"),
                list("CachedMethods", "Method", &safe),
            );
        }
        self.leaves(behaviour, path, &[("SmoothStreaming", "false"), ("Compress", "false")]);
        self.empty_lists(behaviour, path, &["LambdaFunctionAssociations", "FunctionAssociations"]);
        self.leaves(behaviour, path, &[("FieldLevelEncryptionId", "")]);
        self.add(behaviour, path, leaves_of("GrpcConfig", &[("Enabled", "false")]));
        if let Some(forwarded) = behaviour.child_mut("ForwardedValues") {
            self.empty_lists(forwarded, "ForwardedValues", &["Headers", "QueryStringCacheKeys"]);
            let min = behaviour.number("MinTTL").unwrap_or(0);
            let most = behaviour.number("MaxTTL").unwrap_or_else(|| min.max(31_536_000));
            let usual = behaviour
                .number("DefaultTTL")
                .unwrap_or_else(|| min.max(86_400).min(most));
            let (min, usual, most) = (min.to_string(), usual.max(0).to_string(), most.to_string());
            self.leaves(
                behaviour,
                path,
                &[("MinTTL", &min), ("DefaultTTL", &usual), ("MaxTTL", &most)],
            );
        }
    }

    fn viewer_certificate(&mut self, certificate: &mut Element) {
        let path = "ViewerCertificate";
        let leaves: Vec<(&str, String)> = match certificate.given("IAMCertificateId").map(str::to_owned) {
            Some(id) => vec![
                ("CloudFrontDefaultCertificate", "false".to_owned()),
                ("Certificate", id),
                ("CertificateSource", "iam".to_owned()),
            ],
            None => vec![
                ("SSLSupportMethod", "vip".to_owned()),
                ("MinimumProtocolVersion", "TLSv1".to_owned()),
                ("CertificateSource", "cloudfront".to_owned()),
            ],
        };
        let had = certificate.children.len();
        for (name, text) in leaves {
            if certificate.child(name).is_none() {
                certificate.children.push(Element::leaf(name, text));
            }
        }
        if had == 0 {
            self.added.push(path.to_owned());
        }
    }
}

/// Mutable access to the items of a list structure.
pub fn items_mut(list: &mut Element) -> impl Iterator<Item = &mut Element> {
    list.child_mut("Items")
        .into_iter()
        .flat_map(|items| items.children.iter_mut())
}

fn leaves_of(name: &str, leaves: &[(&str, &str)]) -> Element {
    Element::node(
        name,
        leaves.iter().map(|(name, text)| Element::leaf(name, *text)).collect(),
    )
}

/// Refuses an update that omits a field that the service returned, or, in new parts, one that the Developer Guide
/// requires in an update.
pub fn check_update(stored: &Element, sent: &Element) -> Answer<()> {
    let mut completed = sent.clone();
    let missing = complete(&mut completed)
        .into_iter()
        .find(|path| !path.rsplit('/').next().is_some_and(|name| NOT_REQUIRED.contains(&name)))
        .or_else(|| lost(stored, sent));
    match missing {
        Some(path) => Err(refuse(
            "IllegalUpdate",
            format!("The update leaves out {path}, which is required in an update."),
        )),
        None => Ok(()),
    }
}

/// The path of the first element that was returned and is not sent back. Items of lists may be removed; the remaining
/// ones are matched by identity. The viewer certificate is exempt: its members replace one another.
fn lost(stored: &Element, sent: &Element) -> Option<String> {
    if stored.name == "ViewerCertificate" {
        return None;
    }
    let is_list = stored.child("Quantity").is_some();
    for child in stored
        .children
        .iter()
        .filter(|child| !(is_list && child.name == "Items"))
    {
        // Names of cookies are for Forward "whitelist" only. A behaviour may switch between a cache policy and
        // forwarded values, an origin between its kinds.
        if matches!(
            child.name.as_str(),
            "ForwardedValues"
                | "MinTTL"
                | "DefaultTTL"
                | "MaxTTL"
                | "CachePolicyId"
                | "OriginRequestPolicyId"
                | "ResponseHeadersPolicyId"
                | "WhitelistedNames"
                | "CustomOriginConfig"
                | "S3OriginConfig"
                | "VpcOriginConfig"
        ) && sent.child(&child.name).is_none()
        {
            continue;
        }
        let Some(counterpart) = sent.child(&child.name) else {
            return Some(format!("{}/{}", stored.name, child.name));
        };
        if let Some(path) = lost(child, counterpart) {
            return Some(format!("{}/{path}", stored.name));
        }
    }
    let items = stored.child("Items")?;
    let sent_items = sent.child("Items")?;
    items
        .children
        .iter()
        .filter(|item| !item.children.is_empty())
        .find_map(|item| {
            let counterpart = sent_items
                .children
                .iter()
                .find(|other| identity(other) == identity(item))?;
            lost(item, counterpart)
        })
}

fn identity(item: &Element) -> &str {
    ["Id", "PathPattern", "ErrorCode", "HeaderName", "OriginId"]
        .iter()
        .find_map(|name| item.text_at(name))
        .unwrap_or("")
}
