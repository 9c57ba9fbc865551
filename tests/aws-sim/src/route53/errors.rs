//! Route 53's error codes with the statuses of the service model (route53 2013-04-01).

use crate::error::ApiError;

/// A refusal with the status that the service model defines for its code.
pub fn refuse(code: &str, message: impl Into<String>) -> ApiError {
    let status = if code.starts_with("NoSuch") { 404 } else { 400 };
    ApiError::new(code, status, message)
}

/// `InvalidInput`: the request itself is wrong.
pub fn invalid(message: impl Into<String>) -> ApiError {
    refuse("InvalidInput", message)
}

/// `InvalidChangeBatch`, with everything that is wrong with the batch, as the service writes it: `[one, other]`.
pub fn invalid_batch(messages: &[String]) -> ApiError {
    refuse("InvalidChangeBatch", format!("[{}]", messages.join(", ")))
}
