//! The API version (OSBAPI, "API Version Header") and the request's identity ("Request Identity").

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use parameters::shown;

use crate::osbapi::error::OsbError;

/// `X-Broker-API-Version`.
pub(crate) const VERSION: HeaderName = HeaderName::from_static("x-broker-api-version");
/// `X-Broker-API-Request-Identity`.
pub(crate) const REQUEST_IDENTITY: HeaderName = HeaderName::from_static("x-broker-api-request-identity");
/// The major version that this broker supports; others are incompatible.
const MAJOR: u32 = 2;
/// The oldest minor version that this broker supports.
const LEAST_MINOR: u32 = 13;
/// The supported versions, as a regular expression.
pub(crate) const PATTERN: &str = r"^2\.(1[3-9]|[2-9][0-9])$";

/// 412 unless this broker supports the platform's version, 400 if the platform doesn't send one.
pub(crate) async fn check(request: Request, next: Next) -> Response {
    match fault(request.headers().get(VERSION)) {
        None => next.run(request).await,
        Some((status, fault)) => OsbError::new(
            status,
            format!(
                "X-Broker-API-Version {fault}; this broker speaks {MAJOR}.17 and understands {MAJOR}.{LEAST_MINOR} \
                 and newer {MAJOR}.x."
            ),
        )
        .into_response(),
    }
}

/// The error in the header's value.
fn fault(value: Option<&HeaderValue>) -> Option<(StatusCode, String)> {
    let Some(value) = value else {
        // "If the request from the Platform doesn't contain this header, the Service Broker MAY reject the request with
        // 400".
        return Some((StatusCode::BAD_REQUEST, "is missing".into()));
    };
    let text = String::from_utf8_lossy(value.as_bytes());
    let fault = match parsed(&text) {
        None => format!("{} is not a version such as 2.17", shown(&text)),
        Some((MAJOR, minor)) if minor >= LEAST_MINOR => return None,
        Some(_) => format!("{} is not supported", shown(&text)),
    };
    Some((StatusCode::PRECONDITION_FAILED, fault))
}

fn parsed(text: &str) -> Option<(u32, u32)> {
    let number = |digits: &str| {
        // Without this check, "+2" and "02" would parse as numbers.
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
        plain.then(|| digits.parse().ok()).flatten()
    };
    let (major, minor) = text.trim().split_once('.')?;
    Some((number(major)?, number(minor)?))
}

/// "If present, … the Service Broker SHOULD include this header in its response".
pub(crate) async fn echo_request_identity(request: Request, next: Next) -> Response {
    let identity = request.headers().get(REQUEST_IDENTITY).cloned();
    let mut response = next.run(request).await;
    if let Some(identity) = identity {
        response.headers_mut().insert(REQUEST_IDENTITY, identity);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_from_2_13_on_are_understood() {
        for good in ["2.13", "2.17", "2.99", " 2.16 "] {
            assert_eq!(fault(Some(&HeaderValue::from_static(good))), None, "{good}");
        }
        for (bad, says) in [
            ("2.12", "not supported"),
            ("3.0", "not supported"),
            ("1.17", "not supported"),
            ("2", "not a version"),
            ("2.", "not a version"),
            ("+2.17", "not a version"),
            ("02.17", "not a version"),
            ("2.017", "not a version"),
            ("2.17.1", "not a version"),
            ("v2.17", "not a version"),
            ("", "not a version"),
            ("99999999999.1", "not a version"),
        ] {
            let (status, fault) = fault(Some(&HeaderValue::from_static(bad))).unwrap();
            assert!(status == 412 && fault.contains(says), "{bad}: {fault}");
        }
        assert_eq!(fault(None).unwrap(), (StatusCode::BAD_REQUEST, "is missing".into()));
    }
}
