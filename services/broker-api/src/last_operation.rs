//! GET /v2/service_instances/{id}/last_operation (OSBAPI, "Polling Last Operation for Service Instances").
//!
//! The platform's job queue waits for this answer, for every instance, every minute: one indexed read and nothing else.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use pipeline::patience::patience;
use pipeline::status::{View, describe};
use pipeline::{OperationKind, OperationState};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::Broker;
use crate::error::OsbError;
use crate::instance_id::InstanceId;
use crate::parameters::shown;
use crate::provision::bad_query;

/// `service_id` and `plan_id` are hints that this broker doesn't need.
#[derive(serde::Deserialize)]
pub(crate) struct OperationQuery {
    operation: Option<String>,
}

pub(crate) async fn last_operation(
    State(broker): State<Arc<Broker>>,
    id: InstanceId,
    query: Result<Query<OperationQuery>, QueryRejection>,
) -> Result<Response, OsbError> {
    let Query(query) = query.map_err(bad_query)?;
    let text = query.operation.filter(|text| !text.is_empty());
    let operation = text.as_deref().map(operation_id).transpose()?;
    let Some(view) = broker.store.last_operation(&id.0, operation).await? else {
        return Err(missing(&broker, &id.0, text.as_deref()).await?);
    };
    let body = Json(body(&view, &broker.responder));
    match patience(&view, broker.retry_after) {
        // RFC 9110 §10.2.3: whole seconds; rounded up.
        Some(wait) => {
            let seconds = wait.as_millis().div_ceil(1000) as u64;
            Ok(([(header::RETRY_AFTER, seconds)], body).into_response())
        }
        None => Ok(body.into_response()),
    }
}

fn operation_id(text: &str) -> Result<Uuid, OsbError> {
    text.parse().map_err(|_| unknown_operation(text))
}

fn unknown_operation(text: &str) -> OsbError {
    OsbError::bad_request(format!(
        "operation: {} is no operation of this service instance; send the value that the broker's 202 answer gave.",
        shown(text)
    ))
}

/// The instance is unknown, or only the operation; the second look happens only for a request that is wrong anyway.
async fn missing(broker: &Broker, instance: &str, operation: Option<&str>) -> Result<OsbError, OsbError> {
    if let Some(text) = operation
        && broker.store.last_operation(instance, None).await?.is_some()
    {
        return Ok(unknown_operation(text));
    }
    // 404, not 410, even while deleting: a deleted instance is remembered, so this one never was (OSBAPI: 410 would
    // tell the platform that its deletion succeeded).
    Ok(OsbError::bare(StatusCode::NOT_FOUND))
}

fn body(view: &View, responder: &str) -> Value {
    let state = match view.state {
        OperationState::Running => "in progress",
        OperationState::Succeeded => "succeeded",
        OperationState::Failed | OperationState::Superseded => "failed",
    };
    let mut body = json!({"state": state, "description": describe(view, responder)});
    // Only for updates and deprovisions. A distribution that is half removed is of no use; one that was not changed is.
    match (view.kind, view.state) {
        (OperationKind::Deprovision, OperationState::Failed) => body["instance_usable"] = false.into(),
        (OperationKind::Update, OperationState::Failed) => {
            body["instance_usable"] = true.into();
            body["update_repeatable"] = true.into();
        }
        _ => {}
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(kind: OperationKind, state: OperationState) -> View {
        let row = json!({
            "kind": "provision", "state": "running", "tenant": "o1", "now": "2026-01-02T03:04:05Z", "domains": [], "steps": [],
        });
        View {
            kind,
            state,
            ..serde_json::from_value(row).unwrap()
        }
    }

    #[test]
    fn every_state_has_a_description() {
        for kind in [
            OperationKind::Provision,
            OperationKind::Update,
            OperationKind::Deprovision,
        ] {
            for (state, says) in [
                (OperationState::Running, "in progress"),
                (OperationState::Succeeded, "succeeded"),
                (OperationState::Failed, "failed"),
                (OperationState::Superseded, "failed"),
            ] {
                let body = body(&view(kind, state), "http://broker");
                assert_eq!(body["state"], says);
                assert!(!body["description"].as_str().unwrap().is_empty());
                let usable = match (kind, state) {
                    (OperationKind::Deprovision, OperationState::Failed) => Some(false),
                    (OperationKind::Update, OperationState::Failed) => Some(true),
                    _ => None,
                };
                assert_eq!(body.get("instance_usable").and_then(Value::as_bool), usable);
            }
        }
    }
}
