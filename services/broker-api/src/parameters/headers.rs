//! `forward_headers`, or `headers` as older brokers had it.

use schemars::Schema;
use serde_json::Value;

use super::{ParameterError, names, shown, shown_json};
use crate::form::Form;

/// The most headers that CloudFront forwards by name (`TooManyHeadersInForwardedValues`), Host included.
pub(crate) const MOST: usize = 10;
/// The header that the default origin needs: the platform's router finds the application by it.
const HOST: &str = "HOST";

/// The headers in capitals, sorted (as external-domain-broker keeps them); `["*"]`: all.
#[derive(Debug, Default)]
pub(super) struct Headers(pub(super) Vec<String>);

impl Headers {
    /// With Host, if it is for the default origin.
    pub(super) fn for_origin(self, field: &str, is_default: bool) -> Result<Vec<String>, ParameterError> {
        let mut headers = self.0;
        if !is_default || headers == ["*"] || headers.iter().any(|header| header == HOST) {
            return Ok(headers);
        }
        if headers.len() == MOST {
            return Err(ParameterError::new(
                field,
                format!(
                    "there are {MOST}; CloudFront forwards at most {} beside Host, which the default origin needs: write fewer, \
                     or \"*\" for all",
                    MOST - 1
                ),
            ));
        }
        headers.push(HOST.to_string());
        headers.sort();
        Ok(headers)
    }
}

impl Form for Headers {
    fn read(value: &Value) -> Result<Self, String> {
        let right = "[\"Accept\", \"Authorization\"] or \"Accept, Authorization\"";
        let given = names::parse(value, right)?;
        if given == ["*"] {
            return Ok(Self(given));
        }
        if given.iter().any(|name| name == "*") {
            return Err(format!(
                "{} has \"*\" beside others; \"*\" means all headers and stands alone",
                shown_json(value)
            ));
        }
        if let Some(odd) = given.iter().find(|name| !names::is_token(name)) {
            return Err(format!(
                "{} is not a header's name (RFC 7230 token: letters, digits, hyphens); write {right}",
                shown(odd)
            ));
        }
        let mut headers: Vec<String> = given.iter().map(|name| name.to_ascii_uppercase()).collect();
        headers.sort();
        if let Some(twice) = names::duplicate(&headers) {
            return Err(format!(
                "{} is there twice (capitals make no difference); write it once",
                shown(twice)
            ));
        }
        if headers.len() > MOST {
            return Err(format!(
                "there are {}; CloudFront forwards at most {MOST}, Host included: write fewer, or \"*\" for all",
                headers.len()
            ));
        }
        Ok(Self(headers))
    }

    fn schema() -> Schema {
        names::schema(MOST)
    }
}
