//! GET /v2/service_instances/{id}/last_operation (OSBAPI, "Polling Last Operation for Service Instances").
//!
//! The platform's job queue waits for this response, for every instance, every minute: it is one indexed read of one row,
//! and one more of everything when something new was seen or done, or the last answer is some seconds old.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Described};
use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{self, Query};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pipeline::patience::patience;
use pipeline::status::{View, describe};
use pipeline::{OperationKind, OperationState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::StoreError;
use uuid::Uuid;

use crate::osbapi::accepted::described;
use crate::osbapi::answers::{Answer, Found};
use crate::osbapi::broker::Broker;
use crate::osbapi::error::OsbError;
use crate::osbapi::instance_id::InstanceId;
use crate::osbapi::provision::bad_query;

/// `service_id` and `plan_id` are hints that this broker doesn't need.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct OperationQuery {
    /// The value from the 202 answer; without it, the newest operation
    operation: Option<String>,
}

/// The progress of an operation.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LastOperation {
    state: State,
    /// The state in one sentence, then what to do; for each domain what was seen
    description: String,
    /// Of a failed update or deprovision: whether the instance can still be used
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_usable: Option<bool>,
    /// Of a failed update: whether the same one can be requested again
    #[serde(skip_serializing_if = "Option::is_none")]
    update_repeatable: Option<bool>,
}

#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
enum State {
    #[serde(rename = "in progress")]
    InProgress,
    #[serde(rename = "succeeded")]
    Succeeded,
    #[serde(rename = "failed")]
    Failed,
}

/// The response, and when to poll again.
pub(crate) struct Told {
    body: Bytes,
    wait: Option<Duration>,
}

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(wait) = self.wait {
            // RFC 9110 §10.2.3: whole seconds; rounded up.
            let seconds = wait.as_millis().div_ceil(1000) as u64;
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl OperationOutput for Told {
    type Inner = LastOperation;

    fn inferred_responses(context: &mut GenContext, operation: &mut Operation) -> Vec<(Option<u16>, Described)> {
        described::<LastOperation>(200, "The progress of the operation.", context, operation)
    }
}

pub(crate) async fn last_operation(
    extract::State(broker): extract::State<Arc<Broker>>,
    id: InstanceId,
    query: Result<Query<OperationQuery>, QueryRejection>,
) -> Result<Told, OsbError> {
    let Query(query) = query.map_err(bad_query)?;
    // An unreadable operation string counts as none: Cloud Controller treats a 400 as the operation's failure
    // (cloud_controller_ng, `response_parser.rb`, `parse_fetch_state`), and one that a platform mixed up is no failure.
    let operation = query.operation.and_then(|text| Uuid::from_str(&text).ok());
    let Some(polled) = broker.store.polled(&id.0, operation).await? else {
        return Err(unknown());
    };
    let answer = match broker.answers.of(&polled).await {
        Found::Fresh(answer) => answer,
        Found::Ageing(answer) => {
            // Its failure is the next poll's, which finds this one too old.
            let broker = broker.clone();
            tokio::spawn(async move {
                let make = || newest(&broker, &id, polled.operation);
                broker.answers.follow(&polled, make).await
            });
            answer
        }
        Found::None => {
            let make = || newest(&broker, &id, polled.operation);
            broker.answers.made(&polled, make).await?
        }
    };
    Ok(Told {
        wait: answer.patience.wait(polled.now, broker.retry_after),
        body: answer.body,
    })
}

/// The answer with everything that is known now.
async fn newest(broker: &Broker, id: &InstanceId, operation: Uuid) -> Result<Answer, OsbError> {
    let Some(view) = broker.store.last_operation(&id.0, Some(operation)).await? else {
        return Err(unknown());
    };
    let body = serde_json::to_vec(&told(&view, &broker.responder)).map_err(StoreError::from)?;
    Ok(Answer {
        version: view.version,
        // Of its own length: a vector's spare capacity would be kept, too.
        body: body.into_boxed_slice().into(),
        patience: patience(&view),
    })
}

/// 404, not 410: deleted instances are kept in the database for longer than platforms ask (HISTORY_RETENTION), so this one
/// never existed (OSBAPI: 410 would tell the platform that its deletion succeeded).
fn unknown() -> OsbError {
    OsbError::bare(StatusCode::NOT_FOUND)
}

fn told(view: &View, responder: &str) -> LastOperation {
    let state = match view.state {
        OperationState::Running => State::InProgress,
        OperationState::Succeeded => State::Succeeded,
        OperationState::Failed | OperationState::Superseded => State::Failed,
    };
    // Only for updates and deprovisions. A half-removed distribution is unusable; an unchanged one is usable.
    let (instance_usable, update_repeatable) = match (view.kind, view.state) {
        (OperationKind::Deprovision, OperationState::Failed) => (Some(false), None),
        (OperationKind::Update, OperationState::Failed) => (Some(true), Some(true)),
        _ => (None, None),
    };
    LastOperation {
        state,
        description: describe(view, responder),
        instance_usable,
        update_repeatable,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
                (OperationState::Running, State::InProgress),
                (OperationState::Succeeded, State::Succeeded),
                (OperationState::Failed, State::Failed),
                (OperationState::Superseded, State::Failed),
            ] {
                let told = told(&view(kind, state), "http://broker");
                assert_eq!(told.state, says);
                assert!(!told.description.is_empty());
                let usable = match (kind, state) {
                    (OperationKind::Deprovision, OperationState::Failed) => Some(false),
                    (OperationKind::Update, OperationState::Failed) => Some(true),
                    _ => None,
                };
                assert_eq!(told.instance_usable, usable);
                let repeatable = (kind == OperationKind::Update && state == OperationState::Failed).then_some(true);
                assert_eq!(told.update_repeatable, repeatable);
            }
        }
    }
}
