//! Parts of OSBAPI that this broker doesn't support, refused with an explanation.

use axum::http::StatusCode;

use crate::osbapi::error::OsbError;

/// `/v2/service_instances/` without an id.
pub(crate) async fn empty_instance_id() -> OsbError {
    OsbError::new(StatusCode::BAD_REQUEST, "The instance id in the path is empty.")
}
