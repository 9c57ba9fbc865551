//! Origins and origin groups. Source: service model, Developer Guide "Origin settings", CloudFront quotas.

use std::collections::HashSet;

use crate::cloudfront::errors::{invalid, refuse};
use crate::error::Answer;
use crate::names::is_host_name;
use crate::xml::Element;

const MAX_ORIGINS: usize = 100;
const MAX_GROUPS: usize = 10;
const MAX_CUSTOM_HEADERS: usize = 30;
const FAILOVER_CODES: [i64; 9] = [400, 403, 404, 416, 429, 500, 502, 503, 504];
/// Developer Guide, "Custom headers that CloudFront can't add to origin requests".
const OUR_HEADERS: [&str; 23] = [
    "cache-control",
    "connection",
    "content-length",
    "cookie",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "request-range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-real-ip",
];
/// From the same guide; and `X-Forwarded-For`, which CloudFront sets itself.
const OUR_PREFIXES: [&str; 3] = ["x-amz-", "x-edge-", "x-forwarded-for"];

pub(super) fn check(config: &Element) -> Answer<()> {
    let origins = config.items("Origins").collect::<Vec<_>>();
    if origins.is_empty() {
        return Err(invalid("The parameter Origins is required: at least one origin."));
    }
    if origins.len() > MAX_ORIGINS {
        return Err(refuse(
            "TooManyOrigins",
            "You cannot create more origins for the distribution.",
        ));
    }
    let mut ids = HashSet::new();
    for origin in origins {
        origin_alone(origin)?;
        unique(&mut ids, origin)?;
    }
    let groups = config.items("OriginGroups").collect::<Vec<_>>();
    if groups.len() > MAX_GROUPS {
        let message = "Processing your request would cause you to exceed the maximum number of origin groups allowed.";
        return Err(refuse("TooManyOriginGroupsPerDistribution", message));
    }
    for group in groups {
        group_alone(group, &ids)?;
    }
    config
        .items("OriginGroups")
        .try_for_each(|group| unique(&mut ids, group))
}

fn unique<'a>(ids: &mut HashSet<&'a str>, named: &'a Element) -> Answer<()> {
    let id = named
        .given("Id")
        .ok_or_else(|| invalid("The parameter Origin Id is required."))?;
    if ids.insert(id) {
        Ok(())
    } else {
        Err(invalid(format!("The origin id {id} is used more than once.")))
    }
}

fn origin_alone(origin: &Element) -> Answer<()> {
    let name = origin.text_at("DomainName").unwrap_or_default();
    if !is_host_name(name) {
        return Err(invalid(
            "The parameter Origin DomainName does not refer to a valid domain name.",
        ));
    }
    let path = origin.text_at("OriginPath").unwrap_or_default();
    if !path.is_empty() && (!path.starts_with('/') || path.ends_with('/') || path.len() > 255) {
        let message = "The relative path is too big, is not URL-encoded, or does not begin with a slash (/). It must not end with one.";
        return Err(refuse("InvalidRelativePath", message));
    }
    let kinds = ["S3OriginConfig", "CustomOriginConfig", "VpcOriginConfig"];
    if kinds.iter().filter(|kind| origin.child(kind).is_some()).count() != 1 {
        let message = "An origin must have exactly one of S3OriginConfig, CustomOriginConfig and VpcOriginConfig.";
        return Err(refuse("InvalidOrigin", message));
    }
    if origin.child("S3OriginConfig").is_some() && !name.contains(".s3") {
        let message = "The specified origin server does not exist or is not valid.";
        return Err(refuse("InvalidOrigin", message));
    }
    between(origin, "ConnectionAttempts", 1, 3, "InvalidArgument")?;
    between(origin, "ConnectionTimeout", 1, 10, "InvalidArgument")?;
    if let Some(custom) = origin.child("CustomOriginConfig") {
        custom_origin(custom)?;
    }
    custom_headers(origin)
}

fn custom_origin(custom: &Element) -> Answer<()> {
    for port in ["HTTPPort", "HTTPSPort"] {
        let number = custom.number(port).unwrap_or_default();
        if !matches!(number, 80 | 443 | 1024..=65535) {
            return Err(invalid(format!(
                "The parameter {port} must be 80, 443 or in 1024-65535."
            )));
        }
    }
    between(custom, "OriginReadTimeout", 1, 120, "InvalidOriginReadTimeout")?;
    between(
        custom,
        "OriginKeepaliveTimeout",
        1,
        120,
        "InvalidOriginKeepaliveTimeout",
    )?;
    if let Some(protocols) = custom.child("OriginSslProtocols")
        && protocols.number("Quantity") == Some(0)
    {
        return Err(invalid(
            "The parameter OriginSslProtocols must name at least one protocol.",
        ));
    }
    Ok(())
}

fn custom_headers(origin: &Element) -> Answer<()> {
    let headers = origin.items("CustomHeaders").collect::<Vec<_>>();
    if headers.len() > MAX_CUSTOM_HEADERS {
        return Err(refuse(
            "TooManyOriginCustomHeaders",
            "Your request contains too many origin custom headers.",
        ));
    }
    let mut names = HashSet::new();
    for header in headers {
        let name = header.text_at("HeaderName").unwrap_or_default().to_ascii_lowercase();
        if name.is_empty()
            || OUR_HEADERS.contains(&name.as_str())
            || OUR_PREFIXES.iter().any(|begin| name.starts_with(begin))
        {
            return Err(invalid(format!("The custom header name '{name}' is not allowed.")));
        }
        if !names.insert(name.clone()) {
            return Err(invalid(format!("The custom header '{name}' is given more than once.")));
        }
    }
    Ok(())
}

fn group_alone(group: &Element, origins: &HashSet<&str>) -> Answer<()> {
    let members = group
        .items("Members")
        .filter_map(|member| member.text_at("OriginId"))
        .collect::<Vec<_>>();
    let [first, second] = members[..] else {
        return Err(invalid("An origin group must have exactly two members."));
    };
    if first == second {
        return Err(invalid("The members of an origin group must be different origins."));
    }
    if let Some(unknown) = members.iter().find(|member| !origins.contains(*member)) {
        return Err(refuse(
            "NoSuchOrigin",
            format!("No origin exists with the specified Origin Id: {unknown}"),
        ));
    }
    let codes = group
        .items("FailoverCriteria/StatusCodes")
        .filter_map(|code| code.text.parse().ok())
        .collect::<Vec<i64>>();
    if codes.is_empty() || codes.iter().any(|code| !FAILOVER_CODES.contains(code)) {
        return Err(invalid(format!(
            "The failover status codes of an origin group must be among {FAILOVER_CODES:?}."
        )));
    }
    Ok(())
}

fn between(parent: &Element, name: &str, least: i64, most: i64, code: &str) -> Answer<()> {
    match parent.number(name) {
        Some(number) if !(least..=most).contains(&number) => Err(refuse(
            code,
            format!("The parameter {name} must be between {least} and {most}."),
        )),
        _ => Ok(()),
    }
}
