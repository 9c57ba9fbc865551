//! `price_class`, `default_ttl` and `error_responses`: what the edge does by itself.

use std::collections::BTreeMap;

use pipeline::instance::PriceClass;
use schemars::{Schema, json_schema};
use serde_json::{Map, Value, json};

use super::origin::{self, MOST_PATH};
use super::{shown, shown_json};
use crate::form::Form;

/// The longest that CloudFront keeps anything, in seconds (`MaxTTL`).
const MOST_TTL: u32 = 31_536_000;
/// Errors that CloudFront shows a page for (developer guide, "HTTP status codes that CloudFront caches").
const ERROR_CODES: [u16; 11] = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];

impl Form for PriceClass {
    fn read(value: &Value) -> Result<Self, String> {
        let known = Self::ALL
            .into_iter()
            .find(|class| value.as_str() == Some(class.as_str()));
        known.ok_or_else(|| {
            format!(
                "{} is none of \"PriceClass_100\" (North America and Europe), \"PriceClass_200\" (most of the world), \
                 \"PriceClass_All\" (everywhere)",
                shown_json(value)
            )
        })
    }

    fn schema() -> Schema {
        json_schema!({"type": "string", "enum": Self::ALL.map(Self::as_str)})
    }
}

/// `default_ttl`.
#[derive(Debug)]
pub(super) struct Seconds(pub(super) u32);

impl Form for Seconds {
    fn read(value: &Value) -> Result<Self, String> {
        let seconds = value.as_u64().and_then(|seconds| u32::try_from(seconds).ok());
        seconds.filter(|seconds| *seconds <= MOST_TTL).map(Self).ok_or_else(|| {
            format!(
                "{} is not a whole number of seconds from 0 to {MOST_TTL}",
                shown_json(value)
            )
        })
    }

    fn schema() -> Schema {
        json_schema!({"type": "integer", "minimum": 0, "maximum": MOST_TTL})
    }
}

/// `error_responses`: path by HTTP status.
#[derive(Debug, Default)]
pub(super) struct Pages(pub(super) BTreeMap<u16, String>);

impl Form for Pages {
    fn read(value: &Value) -> Result<Self, String> {
        const RIGHT: &str = "write for example {\"404\": \"/errors/404.html\"}";
        let Some(given) = value.as_object() else {
            return Err(format!(
                "{} is not an object of pages by status; {RIGHT}",
                shown_json(value)
            ));
        };
        let pages = given.iter().map(|(code, page)| {
            let known = ERROR_CODES.into_iter().find(|known| known.to_string() == *code);
            let code = known.ok_or_else(|| {
                format!(
                    "{} is no status that CloudFront shows a page for; those are {}",
                    shown(code),
                    ERROR_CODES.map(|code| code.to_string()).join(", ")
                )
            })?;
            match page.as_str().filter(|page| origin::is_page(page)) {
                Some(page) => Ok((code, page.to_owned())),
                None => Err(format!(
                    "{} for {code} is not the path of a page; {RIGHT}",
                    shown_json(page)
                )),
            }
        });
        pages.collect::<Result<_, _>>().map(Self)
    }

    fn schema() -> Schema {
        let page = json!({"type": "string", "pattern": "^/.", "maxLength": MOST_PATH});
        let pages: Map<_, _> = ERROR_CODES
            .iter()
            .map(|code| (code.to_string(), page.clone()))
            .collect();
        json_schema!({"type": "object", "additionalProperties": false, "properties": pages})
    }
}
