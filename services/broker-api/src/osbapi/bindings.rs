//! Service bindings: the catalog says `bindable: false`, so no binding ever exists. A platform that requests one anyway
//! gets the responses that OSBAPI defines for bindings that don't exist.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use schemars::JsonSchema;

use crate::osbapi::deprovision::CatalogQuery;
use crate::osbapi::error::OsbError;
use crate::osbapi::instance_id::InstanceId;

/// The rest of the path; unused.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "it describes the path")]
pub(crate) struct Segments {
    /// The platform's id of the binding
    binding: String,
}

/// PUT (OSBAPI, "Binding": "Platforms MUST NOT make a binding request").
pub(crate) async fn bind(_: InstanceId) -> OsbError {
    OsbError::bad_request(
        "This service is not bindable: the domains reach the application by the CDN, no credentials are needed.",
    )
}

/// GET of a binding, or of its last operation: "404 … MUST be returned if the Service Binding does not exist". Not 410
/// for the operation: no unbinding is ever in progress.
pub(crate) async fn fetch(_: InstanceId) -> OsbError {
    OsbError::new(
        StatusCode::NOT_FOUND,
        "There is no such service binding: this service is not bindable.",
    )
}

/// DELETE (OSBAPI, "Unbinding"): "410 Gone MUST be returned if the Service Binding does not exist".
pub(crate) async fn unbind(_: InstanceId, query: Result<Query<CatalogQuery>, QueryRejection>) -> OsbError {
    match CatalogQuery::require(query) {
        Ok(()) => OsbError::bare(StatusCode::GONE),
        Err(error) => error,
    }
}
