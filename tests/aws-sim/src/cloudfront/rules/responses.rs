//! Custom error responses. Source: service model, Developer Guide "Error responses".

use std::collections::HashSet;

use crate::cloudfront::errors::{invalid, refuse};
use crate::error::Answer;
use crate::xml::Element;

const ERROR_CODES: [i64; 11] = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];
const RESPONSE_CODES: [&str; 12] = [
    "200", "400", "403", "404", "405", "414", "416", "500", "501", "502", "503", "504",
];

pub(super) fn check(config: &Element) -> Answer<()> {
    let mut seen = HashSet::new();
    for response in config.items("CustomErrorResponses") {
        let code = response.number("ErrorCode").unwrap_or_default();
        if !ERROR_CODES.contains(&code) {
            return Err(refuse(
                "InvalidErrorCode",
                format!("An invalid error code was specified: {code}"),
            ));
        }
        if !seen.insert(code) {
            return Err(invalid(format!(
                "The error code {code} has more than one custom error response."
            )));
        }
        let (page, status) = (response.given("ResponsePagePath"), response.given("ResponseCode"));
        if page.is_some() != status.is_some() {
            let message = "ResponseCode and ResponsePagePath must be given together.";
            return Err(refuse("InvalidResponseCode", message));
        }
        if status.is_some_and(|status| !RESPONSE_CODES.contains(&status)) {
            return Err(refuse("InvalidResponseCode", "A response code is not valid."));
        }
        if page.is_some_and(|page| !page.starts_with('/')) {
            let message = "The relative path is too big, is not URL-encoded, or does not begin with a slash (/).";
            return Err(refuse("InvalidRelativePath", message));
        }
        if response.number("ErrorCachingMinTTL").is_some_and(|seconds| seconds < 0) {
            return Err(invalid("ErrorCachingMinTTL cannot be negative."));
        }
    }
    Ok(())
}
