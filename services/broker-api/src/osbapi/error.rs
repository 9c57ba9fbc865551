//! Errors as OSBAPI defines them: a JSON object with `description`, some with `error` (OSBAPI, "Service Broker
//! Errors"). The description is for the user; causes are logged.

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Described};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pipeline::shown::basic;
use schemars::JsonSchema;
use serde::Serialize;
use store::StoreError;

use crate::osbapi::accepted::described;

/// When to retry while the database is down, in seconds.
const DATABASE_RETRY_AFTER: u64 = 10;

/// An error response.
#[derive(Debug)]
pub(crate) struct OsbError {
    status: StatusCode,
    error: Option<&'static str>,
    description: Option<String>,
    retry_after: Option<u64>,
}

impl OsbError {
    pub(crate) fn new(status: StatusCode, description: impl Into<String>) -> Self {
        Self {
            status,
            error: None,
            description: Some(basic(&description.into())),
            retry_after: None,
        }
    }

    /// The request is malformed or incomplete.
    pub(crate) fn bad_request(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, description)
    }

    /// One of the errors that OSBAPI names ("Error Codes").
    pub(crate) fn named(error: &'static str, description: impl Into<String>) -> Self {
        Self {
            error: Some(error),
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, description)
        }
    }

    /// 404 or 410 with the body `{}` that OSBAPI expects.
    pub(crate) fn bare(status: StatusCode) -> Self {
        Self {
            status,
            error: None,
            description: None,
            retry_after: None,
        }
    }

    /// 503: the platform should retry later.
    pub(crate) fn unavailable(description: impl Into<String>) -> Self {
        Self {
            retry_after: Some(DATABASE_RETRY_AFTER),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, description)
        }
    }

    /// "422 … if the requested change is not supported or … cannot currently be fulfilled due to the state of the
    /// Service Instance".
    pub(crate) fn not_now(description: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, description)
    }

    /// Another operation is in progress (OSBAPI, "Blocking Operations").
    pub(crate) fn busy() -> Self {
        Self::named(
            "ConcurrencyError",
            "Another operation on this service instance is in progress. Try again when it has ended.",
        )
    }

    /// The platform requested a synchronous response (OSBAPI, "Synchronous and Asynchronous Operations").
    pub(crate) fn async_required(why: &str) -> Self {
        Self::named(
            "AsyncRequired",
            format!("This service plan requires client support for asynchronous service operations: {why}."),
        )
    }
}

impl From<StoreError> for OsbError {
    fn from(error: StoreError) -> Self {
        let transient = error.is_transient();
        let error = anyhow::Error::from(error);
        tracing::error!(error = format!("{error:#}"), "the database failed");
        if transient {
            Self::unavailable("The broker's database does not answer. Try again in a moment.")
        } else {
            Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "The broker can't read its own records of this instance; its operator finds the cause in the log.",
            )
        }
    }
}

/// Both are left out where the specification wants `{}`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ErrorBody {
    /// One of the codes of OSBAPI
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    /// What is wrong and what to do, for the user
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

impl IntoResponse for OsbError {
    fn into_response(self) -> Response {
        let body = ErrorBody {
            error: self.error,
            description: self.description,
        };
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The errors that any request can return; others are documented at their route.
impl OperationOutput for OsbError {
    type Inner = ErrorBody;

    fn operation_response(context: &mut GenContext, operation: &mut Operation) -> Option<Described> {
        Json::<ErrorBody>::operation_response(context, operation)
    }

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Described)> {
        let any = [
            (400, "Something in the request is wrong; the description names it."),
            (401, "User name or password is missing or wrong."),
            (408, "The request's body did not arrive in time."),
            (412, "The API version is not one of 2.13 to 2.x."),
            (413, "The request's body is too large."),
            (500, "An internal error of the broker; its log has the cause."),
            (503, "The broker's database does not answer; try again later."),
        ];
        any.into_iter()
            .flat_map(|(status, text)| described::<ErrorBody>(status, text, context, operation))
            .collect()
    }
}
