//! A request's JSON body. The content type is ignored: OSBAPI bodies are JSON, and old clients forget to declare it.

use std::sync::Arc;

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use http_body_util::BodyExt as _;
use parameters::shown_json;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::osbapi::broker::Broker;
use crate::osbapi::error::OsbError;

/// The most bytes of a body. 100 domains need 26 KB; Cloud Controller's context has up to 200 annotations of 5,000
/// characters for each of organization, space and instance (cloud_controller_ng, `config/cloud_controller.yml`:
/// `max_annotations_per_resource`; `app/messages/validators/metadata_validator.rb`), which nobody uses up. Only clients
/// with a password get this far.
const LIMIT: usize = 1024 * 1024;
/// This much of a larger body is read and discarded before the request is refused: to a client that is still writing, a
/// closed connection is a broken pipe, and the response is lost (RFC 9112 §9.6).
const DRAINED: usize = 4 * 1024 * 1024;

/// The body, a JSON object. Unknown fields are ignored (OSBAPI: "MUST ignore").
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<Broker>> for Body<T> {
    type Rejection = OsbError;

    async fn from_request(request: Request, broker: &Arc<Broker>) -> Result<Self, OsbError> {
        let bytes = tokio::time::timeout(broker.body_timeout, whole(request.into_body()))
            .await
            .map_err(|_| {
                // 408: nothing was changed, so the platform needs no orphan mitigation.
                OsbError::new(
                    StatusCode::REQUEST_TIMEOUT,
                    format!("The request's body did not arrive within {:?}.", broker.body_timeout),
                )
            })??;
        match serde_json::from_slice(&bytes) {
            Ok(value) => read(value).map(Self).map_err(OsbError::bad_request),
            Err(error) => Err(OsbError::bad_request(format!(
                "The request's body is not JSON: {error}."
            ))),
        }
    }
}

/// The whole body, if it isn't too large.
async fn whole(mut body: axum::body::Body) -> Result<Vec<u8>, OsbError> {
    let (mut bytes, mut seen) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| OsbError::bad_request("The request's body could not be read."))?;
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len();
        if seen <= LIMIT {
            bytes.extend_from_slice(&data);
        } else if seen > DRAINED {
            break;
        }
    }
    if seen > LIMIT {
        return Err(OsbError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "The request's body is too large: at most {} MiB are read. The parameters of 100 domains are 26 KB.",
                LIMIT / (1024 * 1024)
            ),
        ));
    }
    Ok(bytes)
}

/// Parses the fields, or reports the first error.
pub(crate) fn read<T: DeserializeOwned>(body: Value) -> Result<T, String> {
    if !body.is_object() {
        return Err(format!(
            "The request's body is {}; a JSON object is needed.",
            shown_json(&body)
        ));
    }
    serde_path_to_error::deserialize(body).map_err(|error| format!("{}: {}.", error.path(), error.inner()))
}

impl<T: JsonSchema> OperationInput for Body<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        axum::Json::<T>::operation_input(context, operation);
    }
}
