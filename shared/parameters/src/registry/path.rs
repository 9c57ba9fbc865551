//! `path`: the folder at the origin.

use schemars::{Schema, json_schema};
use serde_json::{Value, json};

use crate::field::Field;
use crate::key::{Key, KeyRow};
use crate::parameter::Parameter;
use crate::parse::{Parameters, Request};
use crate::update::Update;
use crate::value::url_path::{MOST, odd_character};
use crate::{shown, shown_json};

const KEY: Key<Folder> = Key::new("path", "Folder at the origin, such as /assets");

pub(crate) struct Path;

/// Empty, or begins with a slash and doesn't end with one.
#[derive(Debug)]
struct Folder(String);

impl Field for Folder {
    fn read(value: &Value) -> Result<Self, String> {
        let fault = |what: &str| Err(format!("{} {what}", shown_json(value)));
        let Value::String(path) = value else {
            return fault("is not a string; write \"/folder\" or \"\"");
        };
        if path.is_empty() {
            return Ok(Self(String::new()));
        }
        if path == "/" {
            return fault("ends with a slash; write \"\" for the origin's root");
        }
        if path.contains("://") {
            return fault("is a URL; write the path alone, such as \"/folder\"");
        }
        if !path.starts_with('/') {
            return fault("does not begin with a slash; write \"/folder\"");
        }
        if path.ends_with('/') {
            return fault(&format!(
                "ends with a slash; write {}",
                shown(path.trim_end_matches('/'))
            ));
        }
        if path.len() > MOST {
            return fault(&format!("has {} characters; at most {MOST} are allowed", path.len()));
        }
        if let Some(odd) = odd_character(path) {
            return fault(&format!(
                "has {}, which can't stand in a path; write it percent-encoded or leave it out",
                shown(&odd.to_string())
            ));
        }
        Ok(Self(path.clone()))
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": MOST,
            "pattern": "^(|/(.*[^/])?)$",
        })
    }
}

impl Parameter for Path {
    fn keys(&self) -> &'static [KeyRow] {
        const { &[KEY.row()] }
    }

    fn parse(&self, request: &mut Request<'_>, parameters: &mut Parameters) {
        parameters.settings.path = request.get(&KEY).map(|path| path.0).unwrap_or_default();
    }

    fn normalised(&self, parameters: &Parameters) -> Option<Value> {
        Some(json!(parameters.settings.path))
    }

    fn merge(&self, update: &mut Update<'_>) {
        update.replace(self);
    }
}

#[cfg(feature = "cloudfront")]
mod cloudfront {
    use aws_sdk_cloudfront::error::BuildError;
    use aws_sdk_cloudfront::types::DistributionConfig;

    use super::*;
    use crate::cloudfront::Wanted;
    use crate::cloudfront::origins::{compared, origins, users};
    use crate::parameter::InCloudFront;

    impl InCloudFront for Path {
        fn put(&self, wanted: &Wanted<'_>, config: &mut DistributionConfig) -> Result<(), BuildError> {
            for origin in users(config) {
                origin.origin_path = Some(wanted.settings.path.clone());
            }
            Ok(())
        }

        fn adopt(&self, config: &DistributionConfig, _: &mut Vec<String>) -> Option<Value> {
            let (origin, _) = origins(config)?;
            let path = origin.origin_path.as_deref().filter(|path| !path.is_empty())?;
            Some(json!(path))
        }

        fn differences(&self, wanted: &Parameters, there: &DistributionConfig) -> Vec<String> {
            let wanted = &wanted.settings;
            let each = compared(wanted, there).filter_map(|(what, origin)| {
                let there = origin.origin_path.as_deref().unwrap_or_default();
                (there != wanted.path).then(|| format!("the path at {what} is {there:?}, not {:?}", wanted.path))
            });
            each.collect()
        }
    }
}
