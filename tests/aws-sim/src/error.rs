//! The one error type of both services, and how each writes it.

/// An answer that refuses a call: AWS's error code, HTTP status and message.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{code} ({status}): {message}")]
pub struct ApiError {
    /// AWS's error code, such as `PreconditionFailed`.
    pub code: String,
    /// The HTTP status that goes with the code.
    pub status: u16,
    /// What is wrong.
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

    /// Who is to blame, as the XML says it.
    pub fn kind(&self) -> &'static str {
        if self.status >= 500 { "Receiver" } else { "Sender" }
    }
}

/// The result of everything that may refuse a call.
pub type Answer<T> = Result<T, ApiError>;
