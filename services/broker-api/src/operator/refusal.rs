//! What is answered in place of the operator's page.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use store::StoreError;

/// When to ask again, in seconds.
const RETRY_AFTER: u64 = 10;
const CHALLENGE: &str = "Basic realm=\"cdn-broker, for its operators\", charset=\"UTF-8\"";

/// Why there is no page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No name and password, or wrong ones.
    Unknown,
    /// Too many wrong ones.
    TooManyFailures,
    /// There is no such page or instance.
    NotFound,
    /// Only forms are sent, and only where one leads.
    NoSuchMethod,
    /// A form that is not from the page itself, or not this person's, or too old, or can't be read.
    Foreign,
    /// Too many pages are being read.
    Busy,
    /// The database doesn't answer.
    Unavailable,
    /// The broker can't read its own records.
    Broken,
}

impl Refusal {
    fn told(self) -> (StatusCode, &'static str) {
        match self {
            Self::Unknown => (
                StatusCode::UNAUTHORIZED,
                "A name and a password of OPERATOR_CREDENTIALS_FILE are needed (HTTP basic authentication).\n",
            ),
            Self::TooManyFailures => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many wrong passwords from your address. Try again in a minute.\n",
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "There is no such page, or no such instance in this database.\n",
            ),
            Self::NoSuchMethod => (StatusCode::METHOD_NOT_ALLOWED, "This address is only read (GET).\n"),
            Self::Foreign => (
                StatusCode::FORBIDDEN,
                "This was not sent by the page itself, or the page was over an hour old. Nothing was done. Open the instance again, and \
                 choose the action there. By plain HTTP browsers can act at localhost only.\n",
            ),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many pages are being read. Try again in a moment.\n",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The broker's database does not answer. Try again in a moment.\n",
            ),
            Self::Broken => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "The broker can't read its own records; the log has the cause.\n",
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

impl From<askama::Error> for Refusal {
    fn from(error: askama::Error) -> Self {
        tracing::error!(%error, "the operator's page can't be rendered");
        Self::Broken
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.told().into_response();
        let headers = response.headers_mut();
        match self {
            Self::Unknown => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
            }
            Self::TooManyFailures | Self::Busy | Self::Unavailable => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER));
            }
            Self::NotFound | Self::NoSuchMethod | Self::Foreign | Self::Broken => {}
        }
        response
    }
}
