//! The error type of all services, and its XML.

use crate::xml::Element;

/// An error response: AWS's error code, HTTP status and message.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{code} ({status}): {message}")]
pub struct ApiError {
    /// AWS's error code, such as `PreconditionFailed`.
    pub code: String,
    /// The HTTP status that goes with the code.
    pub status: u16,
    /// The description of the error.
    pub message: String,
}

impl ApiError {
    /// An error from its three parts.
    pub fn new(code: impl Into<String>, status: u16, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            status,
            message: message.into(),
        }
    }

    /// The `Type` in the XML: whose fault it is.
    pub fn kind(&self) -> &'static str {
        if self.status >= 500 { "Receiver" } else { "Sender" }
    }

    /// Its XML: `<ErrorResponse xmlns=…><Error>…</Error><RequestId/></ErrorResponse>`.
    pub fn document(&self, namespace: &str, request_id: &str) -> String {
        let detail = vec![
            Element::leaf("Type", self.kind()),
            Element::leaf("Code", &self.code),
            Element::leaf("Message", &self.message),
        ];
        let children = vec![Element::node("Error", detail), Element::leaf("RequestId", request_id)];
        Element::node("ErrorResponse", children).document(namespace)
    }
}

/// The result of everything that may refuse a call.
pub type Answer<T> = Result<T, ApiError>;
