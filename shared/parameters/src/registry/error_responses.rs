//! `error_responses`: pages of the origin that are shown for its errors.

use std::collections::BTreeMap;

use schemars::{Schema, json_schema};
use serde_json::{Map, Value, json};

use crate::field::Field;
use crate::key::{Key, KeyRow};
use crate::parameter::Parameter;
use crate::parse::{Parameters, Request};
use crate::update::Update;
use crate::value::url_path;
use crate::{shown, shown_json};

const KEY: Key<Pages> = Key::new(
    "error_responses",
    "Pages of the origin that are shown for its errors: path by HTTP status",
);

/// Errors for which CloudFront can show a page (developer guide, "HTTP status codes that CloudFront caches").
const ERROR_CODES: [u16; 11] = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];

pub(crate) struct ErrorResponses;

/// Path by HTTP status.
#[derive(Debug, Default)]
struct Pages(BTreeMap<u16, String>);

impl Parameter for ErrorResponses {
    fn keys(&self) -> &'static [KeyRow] {
        const { &[KEY.row()] }
    }

    fn parse(&self, request: &mut Request<'_>, parameters: &mut Parameters) {
        parameters.settings.error_responses = request.get(&KEY).unwrap_or_default().0;
    }

    fn normalised(&self, parameters: &Parameters) -> Option<Value> {
        let pages = &parameters.settings.error_responses;
        (!pages.is_empty()).then(|| json!(pages))
    }

    fn merge(&self, update: &mut Update<'_>) {
        update.replace(self);
    }
}

impl Field for Pages {
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
            match page.as_str().filter(|page| url_path::is_page(page)) {
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
        let page = json!({"type": "string", "pattern": "^/.", "maxLength": url_path::MOST});
        let pages: Map<_, _> = ERROR_CODES
            .iter()
            .map(|code| (code.to_string(), page.clone()))
            .collect();
        json_schema!({"type": "object", "additionalProperties": false, "properties": pages})
    }
}

#[cfg(feature = "cloudfront")]
mod cloudfront {
    use std::collections::BTreeSet;

    use aws_sdk_cloudfront::error::BuildError;
    use aws_sdk_cloudfront::types::{CustomErrorResponse, CustomErrorResponses, DistributionConfig};

    use super::*;
    use crate::cloudfront::{Wanted, by_value, quantity};
    use crate::parameter::InCloudFront;

    /// How long an error page is cached: CloudFront's own default, in seconds.
    const ERROR_TTL: i64 = 10;

    impl InCloudFront for ErrorResponses {
        fn put(&self, wanted: &Wanted<'_>, config: &mut DistributionConfig) -> Result<(), BuildError> {
            let pages = responses(&wanted.settings.error_responses)?;
            let there = config.custom_error_responses.as_ref();
            let there = there.map(|all| all.items()).unwrap_or_default();
            if meaning(there) != meaning(&pages) {
                config.custom_error_responses = Some(
                    CustomErrorResponses::builder()
                        .quantity(quantity(&pages))
                        .set_items((!pages.is_empty()).then_some(pages))
                        .build()?,
                );
            }
            Ok(())
        }

        fn adopt(&self, config: &DistributionConfig, _: &mut Vec<String>) -> Option<Value> {
            let pages = config.custom_error_responses.iter().flat_map(|pages| pages.items());
            let pages: Map<String, Value> = pages
                .filter_map(|page| Some((page.error_code.to_string(), json!(page.response_page_path.as_ref()?))))
                .collect();
            (!pages.is_empty()).then_some(Value::Object(pages))
        }

        fn differences(&self, wanted: &Parameters, there: &DistributionConfig) -> Vec<String> {
            by_value(self, wanted, there)
        }
    }

    fn responses(pages: &BTreeMap<u16, String>) -> Result<Vec<CustomErrorResponse>, BuildError> {
        let pages = pages.iter().map(|(code, path)| {
            CustomErrorResponse::builder()
                .error_code((*code).into())
                .response_page_path(path)
                .response_code(code.to_string())
                .error_caching_min_ttl(ERROR_TTL)
                .build()
        });
        pages.collect()
    }

    /// The operator may tune how long a page is cached.
    fn meaning(pages: &[CustomErrorResponse]) -> BTreeSet<(i32, Option<&str>, Option<&str>)> {
        let pages = pages.iter().map(|page| {
            (
                page.error_code,
                page.response_page_path.as_deref(),
                page.response_code.as_deref(),
            )
        });
        pages.collect()
    }
}
