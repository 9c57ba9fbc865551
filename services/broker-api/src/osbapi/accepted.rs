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

/// 202: the operation has started; last_operation reports its progress.
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
        described::<Self>(
            202,
            "The operation has started; last_operation reports its progress.",
            context,
            operation,
        )
    }
}

/// 202, or 200 if there is nothing to wait for.
pub(crate) enum Begun {
    Operation(Accepted),
    /// The same request was made before and is complete, or it changes nothing.
    Done,
}

/// An object without fields.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Empty {}

impl IntoResponse for Begun {
    fn into_response(self) -> Response {
        match self {
            Self::Operation(accepted) => accepted.into_response(),
            Self::Done => Json(Empty {}).into_response(),
        }
    }
}

impl OperationOutput for Begun {
    type Inner = Accepted;

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Described)> {
        let mut responses = described::<Empty>(200, "Nothing to do.", context, operation);
        responses.extend(Accepted::inferred_responses(context, operation));
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
