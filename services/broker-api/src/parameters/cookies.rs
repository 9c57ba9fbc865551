//! `forward_cookies`, or `cookies` as older brokers had it.

use pipeline::instance::Cookies;
use schemars::{Schema, json_schema};
use serde_json::Value;

use super::{names, shown, shown_json};
use crate::form::Form;

/// The most bytes of a cookie's name.
const MOST_NAME: usize = 128;

impl Form for Cookies {
    fn read(value: &Value) -> Result<Self, String> {
        if let Some(all) = value.as_bool() {
            return Ok(if all { Self::All } else { Self::None });
        }
        if let Some(text @ ("true" | "false")) = value.as_str().map(str::trim_ascii) {
            return Err(format!(
                "\"{text}\" is not a boolean; write {text} without quotes, or [\"{text}\"] for a cookie of this name"
            ));
        }
        let right = "\"*\" for all, \"\" for none, or names such as \"session, theme\"";
        let mut cookies = names::parse(value, right)?;
        if cookies.is_empty() {
            return Ok(Self::None);
        }
        if cookies == ["*"] {
            return Ok(Self::All);
        }
        if cookies.iter().any(|name| name == "*") {
            return Err(format!(
                "{} has \"*\" beside others; \"*\" means all cookies and stands alone",
                shown_json(value)
            ));
        }
        // RFC 6265 §4.1.1: a cookie's name is a token.
        if let Some(odd) = cookies
            .iter()
            .find(|name| !names::is_token(name) || name.len() > MOST_NAME)
        {
            return Err(format!("{} is not a cookie's name; write {right}", shown(odd)));
        }
        cookies.sort();
        match names::duplicate(&cookies) {
            Some(twice) => Err(format!("{} is there twice; write it once", shown(twice))),
            None => Ok(Self::Only(cookies)),
        }
    }

    fn schema() -> Schema {
        json_schema!({"anyOf": [
            {"type": ["boolean", "string"]},
            {"type": "array", "items": {"type": "string", "pattern": "^[^,]+$"}},
        ]})
    }
}
