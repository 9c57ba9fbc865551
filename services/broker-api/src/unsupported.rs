//! What OSBAPI has and this broker hasn't, refused with words.

use axum::http::StatusCode;

use crate::error::OsbError;

/// Service bindings: the catalog says `bindable: false`.
pub(crate) async fn bind() -> OsbError {
    OsbError::bad_request(
        "This service is not bindable: the domains reach the application by the CDN, no credentials are needed.",
    )
}

/// `/v2/service_instances/` without an id.
pub(crate) async fn empty_instance_id() -> OsbError {
    OsbError::new(StatusCode::BAD_REQUEST, "The instance id in the path is empty.")
}
