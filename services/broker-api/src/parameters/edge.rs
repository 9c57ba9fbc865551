//! `price_class`, `compress`, `http3`, `default_ttl` and `error_responses`: what the edge does by itself.

use std::collections::BTreeMap;

use pipeline::instance::{DAY, PriceClass};
use serde_json::{Map, Value};

use super::{ParameterError, origin, present, shown, shown_json};

/// The longest that CloudFront keeps anything, in seconds (`MaxTTL`).
pub(super) const MOST_TTL: u32 = 31_536_000;
/// Errors that CloudFront shows a page for (developer guide, "HTTP status codes that CloudFront caches").
pub(crate) const ERROR_CODES: [u16; 11] = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];

pub(super) fn price_class(object: &Map<String, Value>) -> Result<Option<PriceClass>, ParameterError> {
    let Some(value) = present(object, "price_class") else {
        return Ok(None);
    };
    PriceClass::ALL
        .into_iter()
        .find(|class| value.as_str() == Some(class.as_str()))
        .map(Some)
        .ok_or_else(|| {
            ParameterError::new(
                "price_class",
                format!(
                    "{} is none of \"PriceClass_100\" (North America and Europe), \"PriceClass_200\" (most of the world), \
                     \"PriceClass_All\" (everywhere)",
                    shown_json(value)
                ),
            )
        })
}

pub(super) fn default_ttl(object: &Map<String, Value>) -> Result<u32, ParameterError> {
    let Some(value) = present(object, "default_ttl") else {
        return Ok(DAY);
    };
    value
        .as_u64()
        .and_then(|seconds| u32::try_from(seconds).ok())
        .filter(|seconds| *seconds <= MOST_TTL)
        .ok_or_else(|| {
            ParameterError::new(
                "default_ttl",
                format!(
                    "{} is not a whole number of seconds from 0 to {MOST_TTL}",
                    shown_json(value)
                ),
            )
        })
}

pub(super) fn error_responses(object: &Map<String, Value>) -> Result<BTreeMap<u16, String>, ParameterError> {
    const RIGHT: &str = "write for example {\"404\": \"/errors/404.html\"}";
    let given = match present(object, "error_responses") {
        None => return Ok(BTreeMap::new()),
        Some(Value::Object(given)) => given,
        Some(other) => {
            return Err(ParameterError::new(
                "error_responses",
                format!("{} is not an object of pages by status; {RIGHT}", shown_json(other)),
            ));
        }
    };
    given
        .iter()
        .map(|(code, page)| {
            let known = ERROR_CODES.into_iter().find(|known| known.to_string() == *code);
            let code = known.ok_or_else(|| {
                ParameterError::new(
                    "error_responses",
                    format!(
                        "{} is no status that CloudFront shows a page for; those are {}",
                        shown(code),
                        ERROR_CODES.map(|code| code.to_string()).join(", ")
                    ),
                )
            })?;
            let page = page.as_str().filter(|page| origin::is_page(page)).ok_or_else(|| {
                ParameterError::new(
                    "error_responses",
                    format!("{} for {code} is not the path of a page; {RIGHT}", shown_json(page)),
                )
            })?;
            Ok((code, page.to_owned()))
        })
        .collect()
}
