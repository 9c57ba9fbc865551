//! `forward_headers`, or `headers` as older brokers had it.

use serde_json::{Map, Value};

use super::{ParameterError, either, names, shown, shown_json};

/// The most headers that CloudFront forwards by name (`TooManyHeadersInForwardedValues`), Host included.
pub(crate) const MOST: usize = 10;
/// The header that the default origin needs: the platform's router finds the application by it.
const HOST: &str = "HOST";

/// The headers in capitals, sorted (as external-domain-broker keeps them), with Host for the default origin.
pub(super) fn parse(object: &Map<String, Value>, default_origin: bool) -> Result<Vec<String>, ParameterError> {
    let mut headers = match either(object, "forward_headers", "headers")? {
        None => Vec::new(),
        Some((field, value)) => given(field, value, default_origin)?,
    };
    let all = headers == ["*"];
    if default_origin && !all && !headers.iter().any(|header| header == HOST) {
        headers.push(HOST.to_string());
        headers.sort();
    }
    Ok(headers)
}

fn given(field: &str, value: &Value, default_origin: bool) -> Result<Vec<String>, ParameterError> {
    let right = "[\"Accept\", \"Authorization\"] or \"Accept, Authorization\"";
    let given = names::parse(field, value, right)?;
    if given == ["*"] {
        return Ok(given);
    }
    if given.iter().any(|name| name == "*") {
        return Err(ParameterError::new(
            field,
            format!(
                "{} has \"*\" beside others; \"*\" means all headers and stands alone",
                shown_json(value)
            ),
        ));
    }
    if let Some(odd) = given.iter().find(|name| !names::is_token(name)) {
        return Err(ParameterError::new(
            field,
            format!(
                "{} is not a header's name (RFC 7230 token: letters, digits, hyphens); write {right}",
                shown(odd)
            ),
        ));
    }
    let mut headers: Vec<String> = given.iter().map(|name| name.to_ascii_uppercase()).collect();
    headers.sort();
    if let Some(twice) = names::duplicate(&headers) {
        return Err(ParameterError::new(
            field,
            format!(
                "{} is there twice (capitals make no difference); write it once",
                shown(twice)
            ),
        ));
    }
    let named = headers.iter().filter(|header| *header != HOST).count();
    let (count, most, host) = if default_origin {
        (named, MOST - 1, " beside Host, which the default origin needs")
    } else {
        (headers.len(), MOST, "")
    };
    if count > most {
        return Err(ParameterError::new(
            field,
            format!("there are {count}; CloudFront forwards at most {most}{host}: write fewer, or \"*\" for all"),
        ));
    }
    Ok(headers)
}
