//! What is answered in place of a page of a mail's link. There is one 404, byte for byte, so that nobody learns from it whether an address is
//! known, or whether a link was ever good.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use store::StoreError;

/// When to ask again, in seconds.
const RETRY_AFTER: u64 = 10;

/// Why there is no page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The link is malformed, forged, too old, was replaced by another one, or its recipient is unknown.
    NotFound,
    /// A form that can't be read, or asks for what its link is not for.
    Unreadable,
    /// A link is read, or its form is sent.
    NoSuchMethod,
    /// The database doesn't answer.
    Unavailable,
    /// The broker can't read its own records.
    Broken,
}

impl Refusal {
    fn told(self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "There is no page at this address. A link in a mail is good as long as the broker knows the address that it was sent to, and one to \
                 confirm for 7 days: `cf update-service NAME -c '{\"notify\": …}'` has the address asked again.\n",
            ),
            Self::Unreadable => (
                StatusCode::BAD_REQUEST,
                "The form can't be read. Nothing was done. Open the link again, and press the button there.\n",
            ),
            Self::NoSuchMethod => (StatusCode::METHOD_NOT_ALLOWED, "This address takes GET and POST.\n"),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The broker's database does not answer. Nothing was done. Try again in a moment.\n",
            ),
            Self::Broken => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "The broker can't read its own records; its operator finds the cause in the log.\n",
            ),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = telemetry::with_causes(&error), "the database failed");
        match error.is_transient() {
            true => Self::Unavailable,
            false => Self::Broken,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.told().into_response();
        if self == Self::Unavailable {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER));
        }
        response
    }
}
