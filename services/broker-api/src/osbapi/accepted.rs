//! The responses to asynchronous operations.

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Described};
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

const STARTED: &str = "The operation has started; last_operation reports its progress.";

/// 202 of a deletion.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Accepted {
    /// Send it with each last_operation
    #[schemars(with = "String")]
    pub(crate) operation: Uuid,
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        (StatusCode::ACCEPTED, Json(self)).into_response()
    }
}

impl OperationOutput for Accepted {
    type Inner = Self;

    fn operation_response(context: &mut GenContext, operation: &mut Operation) -> Option<Described> {
        Json::<Self>::operation_response(context, operation)
    }

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Described)> {
        described::<Self>(202, STARTED, context, operation)
    }
}

/// 202 of a creation or update.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Started {
    /// Send it with each last_operation
    #[schemars(with = "String")]
    operation: Uuid,
    /// Where the instance's status page is, for whoever has this link or, where users sign in, may see the instance
    #[serde(skip_serializing_if = "Option::is_none")]
    dashboard_url: Option<String>,
}

/// 200: it is as requested.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unchanged {
    /// Where the instance's status page is, for whoever has this link or, where users sign in, may see the instance
    #[serde(skip_serializing_if = "Option::is_none")]
    dashboard_url: Option<String>,
}

/// 202, or 200 if there is nothing to wait for.
pub(crate) struct Begun {
    /// `None`: the same request was made before and is complete, or it changes nothing.
    operation: Option<Uuid>,
    dashboard_url: Option<String>,
}

impl Begun {
    /// This operation runs.
    pub(crate) fn operation(operation: Uuid) -> Self {
        Self {
            operation: Some(operation),
            dashboard_url: None,
        }
    }

    /// There is nothing to do.
    pub(crate) fn done() -> Self {
        Self {
            operation: None,
            dashboard_url: None,
        }
    }

    pub(crate) fn with_dashboard(self, dashboard_url: Option<String>) -> Self {
        Self { dashboard_url, ..self }
    }
}

impl IntoResponse for Begun {
    fn into_response(self) -> Response {
        let dashboard_url = self.dashboard_url;
        match self.operation {
            Some(operation) => {
                let started = Started {
                    operation,
                    dashboard_url,
                };
                (StatusCode::ACCEPTED, Json(started)).into_response()
            }
            None => Json(Unchanged { dashboard_url }).into_response(),
        }
    }
}

impl OperationOutput for Begun {
    type Inner = Started;

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Described)> {
        let mut responses = described::<Unchanged>(200, "Nothing to do.", context, operation);
        responses.extend(described::<Started>(202, STARTED, context, operation));
        responses
    }
}

/// A response with that status and body.
pub(crate) fn described<T: JsonSchema>(
    status: u16,
    text: &str,
    context: &mut GenContext,
    operation: &mut Operation,
) -> Vec<(Option<u16>, Described)> {
    let response = Json::<T>::operation_response(context, operation);
    response
        .map(|response| {
            let description = text.into();
            (
                Some(status),
                Described {
                    description,
                    ..response
                },
            )
        })
        .into_iter()
        .collect()
}
