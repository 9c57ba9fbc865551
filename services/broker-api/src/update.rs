//! PATCH /v2/service_instances/{id} (OSBAPI, "Updating a Service Instance").

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use store::{Asked, Changes, Update};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::app::Broker;
use crate::asked::AskedBy;
use crate::body::Body;
use crate::catalog::maintenance;
use crate::catalog::offering::Plan;
use crate::error::OsbError;
use crate::instance_id::InstanceId;
use crate::parameters::{self, shown};
use crate::provision::{AsyncQuery, broken, taken};

/// How often an instance may change between being read and being written, before somebody else is let go first.
const ATTEMPTS: u32 = 5;

pub(crate) async fn update(
    State(broker): State<Arc<Broker>>,
    AskedBy(asked): AskedBy,
    id: InstanceId,
    query: Result<Query<AsyncQuery>, QueryRejection>,
    body: Body,
) -> Result<Response, OsbError> {
    AsyncQuery::require(query)?;
    broker.offering.check_service(&body)?;
    // As for a provision: to its end even when the platform hangs up.
    let begun = tokio::spawn(begin(broker, id.0, body, asked).in_current_span()).await;
    match begun.map_err(|_| broken())?? {
        Some(operation) => Ok((StatusCode::ACCEPTED, Json(json!({"operation": operation}))).into_response()),
        None => Ok(Json(json!({})).into_response()),
    }
}

/// The operation; none when there is nothing to do.
async fn begin(broker: Arc<Broker>, id: String, body: Body, asked: Asked) -> Result<Option<Uuid>, OsbError> {
    for _ in 0..ATTEMPTS {
        let Some(instance) = broker.store.instance(&id).await? else {
            return Err(unknown());
        };
        let changes = changes(&broker, &id, &instance.request, &body)?;
        match broker.store.update(&changes, &asked, &broker.schedules).await? {
            Update::Accepted { operation, rings } => {
                tracing::info!(instance = id, %operation, domains = changes.domains.len(), "update begun");
                broker.ring(rings).await;
                return Ok(Some(operation));
            }
            Update::Running { operation } => return Ok(Some(operation)),
            Update::Unchanged => return Ok(None),
            Update::Busy => return Err(OsbError::busy()),
            Update::Changed => {}
            Update::Unusable { why } => {
                return Err(OsbError::not_now(format!(
                    "Instance {} can't be updated, since {why}.",
                    shown(&id)
                )));
            }
            Update::Gone => return Err(unknown()),
            Update::DomainTaken { domain, same_tenant } => {
                return Err(OsbError::bad_request(taken(&domain, same_tenant)));
            }
        }
    }
    Err(OsbError::busy())
}

/// What the instance is to be; everything that can be known to be wrong.
fn changes(broker: &Broker, id: &str, current: &Value, body: &Body) -> Result<Changes, OsbError> {
    let wrong = |error: parameters::ParameterError| OsbError::bad_request(error.to_string());
    let default_origin = broker.default_origin.as_deref();
    let (merged, look_again) =
        parameters::merge(&current["parameters"], body.0.get("parameters"), default_origin).map_err(wrong)?;
    let parameters = parameters::parse(Some(&merged), default_origin).map_err(wrong)?;
    let mut request = current.clone();
    request["parameters"] = parameters.normalised();
    let plan = plan(broker, current, body)?;
    let settings = match plan {
        Some(plan) => {
            request["plan_id"] = plan.id.as_str().into();
            plan.complete(parameters.settings)
        }
        None => parameters.settings,
    };
    Ok(Changes {
        id: id.to_string(),
        base: current.clone(),
        request,
        settings,
        domains: parameters.domains,
        look_again,
    })
}

/// The plan that the instance is to have; none when its own has left the catalog, and no other is asked for.
fn plan<'b>(broker: &'b Broker, current: &Value, body: &Body) -> Result<Option<&'b Plan>, OsbError> {
    let now = current["plan_id"].as_str().unwrap_or_default();
    let own = broker.offering.plan(now);
    let plan = match body.text("plan_id")? {
        Some(asked) if asked != now => {
            let other = broker.offering.known(asked)?;
            if !own.is_none_or(|own| own.plan_updateable.unwrap_or(broker.offering.plan_updateable)) {
                return Err(OsbError::not_now(format!(
                    "plan_id: instances of this plan can't be changed to another one; create a new instance of plan {}.",
                    other.name
                )));
            }
            Some(other)
        }
        _ => own,
    };
    if let Some(plan) = plan {
        maintenance::check(body, plan)?;
    }
    Ok(plan)
}

fn unknown() -> OsbError {
    OsbError::new(StatusCode::NOT_FOUND, "There is no such service instance.")
}
