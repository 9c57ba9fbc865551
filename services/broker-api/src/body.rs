//! A request's JSON body. The content type isn't looked at: OSBAPI bodies are JSON, and old clients forget to say so.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::app::Broker;
use crate::error::OsbError;
use crate::parameters::shown_json;

/// The most bytes of a body; 100 domains need 26 KB at most.
pub(crate) const LIMIT: usize = 64 * 1024;

/// The body, a JSON object. Unknown fields are ignored (OSBAPI: "MUST ignore").
pub(crate) struct Body(pub(crate) Map<String, Value>);

impl FromRequest<Arc<Broker>> for Body {
    type Rejection = OsbError;

    async fn from_request(request: Request, broker: &Arc<Broker>) -> Result<Self, OsbError> {
        let bytes = tokio::time::timeout(broker.body_timeout, Bytes::from_request(request, broker))
            .await
            .map_err(|_| {
                // 408: nothing was done, so the platform needs no orphan mitigation.
                OsbError::new(
                    StatusCode::REQUEST_TIMEOUT,
                    format!("The request's body did not arrive within {:?}.", broker.body_timeout),
                )
            })?
            .map_err(|rejection| match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => OsbError::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    format!(
                        "The request's body is too large; at most {} KiB are read.",
                        LIMIT / 1024
                    ),
                ),
                _ => OsbError::bad_request("The request's body could not be read."),
            })?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(other) => Err(OsbError::bad_request(format!(
                "The request's body is {}; a JSON object is needed.",
                shown_json(&other)
            ))),
            Err(error) => Err(OsbError::bad_request(format!(
                "The request's body is not JSON: {error}."
            ))),
        }
    }
}

impl Body {
    /// A text field; `null` counts as absent.
    pub(crate) fn text(&self, field: &str) -> Result<Option<&str>, OsbError> {
        text(&self.0, field, field)
    }
}

/// A text field of an object; `name` is how the user knows it.
pub(crate) fn text<'o>(object: &'o Map<String, Value>, field: &str, name: &str) -> Result<Option<&'o str>, OsbError> {
    match object.get(field) {
        None | Some(Value::Null) => Ok(None),
        // PostgreSQL's text and jsonb hold no NUL.
        Some(Value::String(text)) if text.len() <= 255 && !text.contains(char::is_control) => Ok(Some(text)),
        Some(other) => Err(OsbError::bad_request(format!(
            "{name}: {} is not a string of at most 255 bytes without control characters.",
            shown_json(other)
        ))),
    }
}
