//! `forward_cookies`, or `cookies` as older brokers had it.

use pipeline::instance::Cookies;
use serde_json::{Map, Value};

use super::{ParameterError, either, names, shown, shown_json};

/// The most bytes of a cookie's name.
const MOST_NAME: usize = 128;

/// All by default, as the brokers before did.
pub(super) fn parse(object: &Map<String, Value>) -> Result<Cookies, ParameterError> {
    let (field, value) = match either(object, "forward_cookies", "cookies")? {
        None => return Ok(Cookies::All),
        Some((_, Value::Bool(true))) => return Ok(Cookies::All),
        Some((_, Value::Bool(false))) => return Ok(Cookies::None),
        Some(given) => given,
    };
    let right = "\"*\" for all, \"\" for none, or names such as \"session, theme\"";
    let mut cookies = names::parse(field, value, right)?;
    if cookies.is_empty() {
        return Ok(Cookies::None);
    }
    if cookies == ["*"] {
        return Ok(Cookies::All);
    }
    if cookies.iter().any(|name| name == "*") {
        return Err(ParameterError::new(
            field,
            format!(
                "{} has \"*\" beside others; \"*\" means all cookies and stands alone",
                shown_json(value)
            ),
        ));
    }
    // RFC 6265 §4.1.1: a cookie's name is a token.
    if let Some(odd) = cookies
        .iter()
        .find(|name| !names::is_token(name) || name.len() > MOST_NAME)
    {
        return Err(ParameterError::new(
            field,
            format!("{} is not a cookie's name; write {right}", shown(odd)),
        ));
    }
    cookies.sort();
    match names::duplicate(&cookies) {
        Some(twice) => Err(ParameterError::new(
            field,
            format!("{} is there twice; write it once", shown(twice)),
        )),
        None => Ok(Cookies::Only(cookies)),
    }
}
