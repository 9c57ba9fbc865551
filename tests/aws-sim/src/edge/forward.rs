//! The request that the origin receives, and its cache key.
//!
//! Source: Developer Guide, "Request and response behavior for custom origins".

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Request};
use http_body_util::Full;

use super::config::{Behaviour, Origin};
use super::pass::Rule;
use crate::ids;

/// Never forwarded, or set by the edge itself.
const OURS: [&str; 16] = [
    "connection",
    "content-length",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-forwarded-for",
];

/// Removed with ForwardedValues unless listed there; everything else is forwarded.
const LEGACY_REMOVES: [&str; 8] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "referer",
    "x-forwarded-proto",
    "x-http-method-override",
    "x-real-ip",
];

/// Forwarded with policies even when no policy names them: they belong to the body or to the requested range.
const POLICY_KEEPS: [&str; 9] = [
    "content-encoding",
    "content-md5",
    "content-type",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "range",
];

/// A viewer's request, completely read.
#[derive(Debug, Clone)]
pub struct ViewerRequest {
    /// Method, URL and headers.
    pub parts: Parts,
    /// Body.
    pub body: Bytes,
    /// Host without port, lower case.
    pub host: String,
    /// Path, with the default root object applied.
    pub path: String,
    /// The viewer's address.
    pub peer: IpAddr,
    /// Whether it arrived by https.
    pub https: bool,
}

impl ViewerRequest {
    fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn query(&self, rules: &[&Rule]) -> Option<String> {
        either(self.parts.uri.query()?, "&", rules)
    }

    fn cookies(&self, rules: &[&Rule]) -> Option<String> {
        let all = self
            .parts
            .headers
            .get_all("cookie")
            .iter()
            .filter_map(|value| value.to_str().ok());
        either(&all.collect::<Vec<_>>().join("; "), "; ", rules)
    }
}

/// The pairs that one of the rules forwards.
fn either(text: &str, separator: &str, rules: &[&Rule]) -> Option<String> {
    let passes = |pair: &&str| rules.iter().any(|rule| rule.filter(pair, separator).is_some());
    let kept = text
        .split(separator.trim())
        .map(str::trim)
        .filter(passes)
        .collect::<Vec<_>>();
    (!kept.is_empty()).then(|| kept.join(separator))
}

/// The Host that the origin receives.
pub fn host<'a>(viewer: &'a ViewerRequest, behaviour: &Behaviour, origin: &'a Origin) -> &'a str {
    if behaviour.forwards_host() {
        &viewer.host
    } else {
        &origin.domain
    }
}

/// The request for the origin.
pub fn request(
    viewer: &ViewerRequest,
    behaviour: &Behaviour,
    origin: &Origin,
    via: &str,
) -> Result<Request<Full<Bytes>>, http::Error> {
    let query = viewer.query(&[&behaviour.key_query, &behaviour.sent_query]);
    let uri = match query {
        Some(query) => format!("{}{}?{query}", origin.path, viewer.path),
        None => format!("{}{}", origin.path, viewer.path),
    };
    let mut request = Request::builder()
        .method(viewer.parts.method.clone())
        .uri(uri)
        .body(Full::new(viewer.body.clone()))?;
    let headers = request.headers_mut();
    for (name, value) in &viewer.parts.headers {
        if passes(viewer, behaviour, name.as_str()) {
            headers.append(name.clone(), value.clone());
        }
    }
    set(headers, "host", host(viewer, behaviour, origin));
    let agent = viewer
        .header("user-agent")
        .filter(|_| behaviour.passes_header("user-agent"));
    set(headers, "user-agent", agent.unwrap_or("Amazon CloudFront"));
    let peer = viewer.peer.to_string();
    let forwarded = viewer
        .header("x-forwarded-for")
        .map_or(peer.clone(), |before| format!("{before}, {peer}"));
    set(headers, "x-forwarded-for", &forwarded);
    set(
        headers,
        "via",
        &viewer
            .header("via")
            .map_or(via.to_owned(), |before| format!("{before}, {via}")),
    );
    set(headers, "x-amz-cf-id", &ids::token(54));
    if let Some(cookies) = viewer.cookies(&[&behaviour.key_cookies, &behaviour.sent_cookies]) {
        set(headers, "cookie", &cookies);
    }
    if matches!(&behaviour.key_headers, Rule::Only(_)) && behaviour.key_headers.passes("cloudfront-forwarded-proto") {
        set(
            headers,
            "cloudfront-forwarded-proto",
            if viewer.https { "https" } else { "http" },
        );
    }
    for (name, value) in &origin.headers {
        set(headers, name, value);
    }
    Ok(request)
}

fn passes(viewer: &ViewerRequest, behaviour: &Behaviour, name: &str) -> bool {
    if OURS.contains(&name)
        || name.starts_with("x-amz-cf-")
        || name.starts_with("x-edge-")
        || name.starts_with("cloudfront-")
    {
        return false;
    }
    if behaviour.passes_header(name) {
        return true;
    }
    match (behaviour.legacy, name) {
        (true, "authorization") => !matches!(viewer.parts.method.as_str(), "GET" | "HEAD" | "OPTIONS"),
        (true, _) => !LEGACY_REMOVES.contains(&name),
        (false, _) => POLICY_KEEPS.contains(&name),
    }
}

/// The key by which the cache considers two requests equal.
pub fn cache_key(viewer: &ViewerRequest, behaviour: &Behaviour, distribution: &str) -> String {
    let mut key = format!("{distribution}|{}|{}", viewer.parts.method, viewer.path);
    key.push_str(&format!(
        "|{}",
        viewer.query(&[&behaviour.key_query]).unwrap_or_default()
    ));
    key.push_str(&format!(
        "|{}",
        viewer.cookies(&[&behaviour.key_cookies]).unwrap_or_default()
    ));
    if let Rule::Only(names) = &behaviour.key_headers {
        for name in names {
            let value = match name.to_ascii_lowercase().as_str() {
                "host" => &viewer.host,
                name => viewer.header(name).unwrap_or_default(),
            };
            key.push_str(&format!("|{name}={value}"));
        }
    }
    key
}

fn set(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}
