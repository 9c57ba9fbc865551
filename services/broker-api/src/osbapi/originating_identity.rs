//! The user who made a request, as recorded with the operation (OSBAPI, "Originating Identity" and "Request Identity").
//!
//! The specification defines the format of the headers, but not how to handle malformed ones. They are recorded only,
//! so they never cause a request to be refused: a header that can't be parsed is recorded as unreadable.

use std::convert::Infallible;

use aide::OperationInput;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Value, json};
use store::Requester;

use crate::http::access_log::PlatformName;
use crate::osbapi::version::REQUEST_IDENTITY;

pub(crate) const ORIGINATING_IDENTITY: HeaderName = HeaderName::from_static("x-broker-api-originating-identity");

/// The most bytes of a user's JSON; Cloud Foundry's has 50, and Kubernetes' grows with the user's groups.
const MOST_JSON: usize = 8 * 1024;
/// The most characters of a platform's name, of a request's identity, and of an unreadable header.
const MOST_TEXT: usize = 255;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The requester of the operation that this request starts.
pub(crate) struct RequestedBy(pub(crate) Requester);

/// These headers are documented for all operations at once.
impl OperationInput for RequestedBy {}

impl<S: Sync> FromRequestParts<S> for RequestedBy {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let platform = parts.extensions.get::<PlatformName>();
        Ok(Self(Requester {
            platform: platform.map(|name| name.0.to_string()).unwrap_or_default(),
            originating_identity: parts.headers.get(ORIGINATING_IDENTITY).map(originating_identity),
            request_identity: parts.headers.get(REQUEST_IDENTITY).and_then(request_identity),
        }))
    }
}

fn originating_identity(header: &HeaderValue) -> Value {
    let text = String::from_utf8_lossy(header.as_bytes());
    readable(&text).unwrap_or_else(|| json!({ "unreadable": beginning(&text) }))
}

/// `Platform value`, where the value is a JSON object in base64: with or without padding, also as base64url, also with
/// blanks in it.
fn readable(text: &str) -> Option<Value> {
    let (platform, value) = text.trim().split_once(char::is_whitespace)?;
    let encoded: String = value
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    let decoded = LENIENT.decode(encoded).ok().filter(|json| json.len() <= MOST_JSON)?;
    let value: Value = serde_json::from_slice(&decoded).ok()?;
    (value.is_object() && !has_nul(&value)).then(|| json!({"platform": beginning(platform), "value": value}))
}

/// PostgreSQL's jsonb can't contain NUL.
fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}

fn request_identity(header: &HeaderValue) -> Option<String> {
    let text = String::from_utf8_lossy(header.as_bytes());
    (!text.trim().is_empty()).then(|| beginning(text.trim()))
}

fn beginning(text: &str) -> String {
    text.chars().take(MOST_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose;
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Value {
        originating_identity(&HeaderValue::from_str(text).unwrap())
    }

    #[test]
    fn the_specifications_own_example_is_read() {
        let header = "cloudfoundry eyANCiAgInVzZXJfaWQiOiAiNjgzZWE3NDgtMzA5Mi00ZmY0LWI2NTYtMzljYWNjNGQ1MzYwIg0KfQ==";
        let user = json!({"user_id": "683ea748-3092-4ff4-b656-39cacc4d5360"});
        let expected = json!({"platform": "cloudfoundry", "value": user});
        assert_eq!(of(header), expected);
        assert_eq!(of(header.trim_end_matches('=')), expected);
        assert_eq!(
            of(&header
                .replace("cloudfoundry ", " cloudfoundry \t ")
                .replace("Ui", "Ui ")),
            expected
        );
    }

    #[test]
    fn base64url_is_read_as_well() {
        let user = json!({"user_id": "???>>>~~~"});
        for engine in [
            general_purpose::STANDARD,
            general_purpose::URL_SAFE,
            general_purpose::URL_SAFE_NO_PAD,
        ] {
            let encoded = engine.encode(user.to_string());
            assert_eq!(of(&format!("k {encoded}"))["value"], user, "{encoded}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_can_be_stored(
            bytes in prop::collection::vec(any::<u8>(), 0..400),
            json in prop_oneof![
                r#"\{"[a-z]{1,3}": "([a-z]|\\u00[01][0-9]){0,5}"\}"#,
                r#"\{"[a-z]{1,3}": (\[|\]|[0-9e]|null){0,9}\}"#,
            ],
        ) {
            let encoded = format!("cf {}", general_purpose::STANDARD.encode(&json));
            for header in [bytes, encoded.into_bytes()] {
                let Ok(header) = HeaderValue::from_bytes(&header) else { continue };
                let recorded = originating_identity(&header);
                prop_assert!(!has_nul(&recorded), "{}", recorded);
                prop_assert!(recorded["unreadable"].is_string() || recorded["value"].is_object(), "{}", recorded);
            }
            if let Ok(user) = serde_json::from_str::<Value>(&json) && !has_nul(&user) {
                prop_assert_eq!(&of(&format!("cf {}", general_purpose::URL_SAFE_NO_PAD.encode(&json)))["value"], &user);
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_recorded_as_such_within_bounds() {
        let encoded = |json: &str| format!("cf {}", general_purpose::STANDARD.encode(json));
        let long = format!("{{\"groups\": \"{}\"}}", "g".repeat(MOST_JSON));
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(2000), "]".repeat(2000));
        for odd in [
            "",
            "cloudfoundry",
            "cloudfoundry %%%",
            "eyJ9",
            &encoded("[]"),
            &encoded("{"),
            &encoded(r#"{"user_id": "a\u0000b"}"#),
            &encoded(r#"{"a": [{"b\u0000": 1}]}"#),
            &encoded(&long),
            &encoded(&deep),
        ] {
            let recorded = of(odd);
            let kept = recorded["unreadable"]
                .as_str()
                .unwrap_or_else(|| panic!("{odd}: {recorded}"));
            assert!(odd.starts_with(kept) && kept.len() <= MOST_TEXT, "{odd}: {kept}");
        }
        let odd = HeaderValue::from_bytes(b"cf \xff\xfe").unwrap();
        assert_eq!(originating_identity(&odd), json!({"unreadable": "cf \u{fffd}\u{fffd}"}));
        let long = HeaderValue::from_str(&"r".repeat(5000)).unwrap();
        assert_eq!(request_identity(&long).unwrap().len(), MOST_TEXT);
        assert_eq!(request_identity(&HeaderValue::from_static(" ")), None);
    }
}
