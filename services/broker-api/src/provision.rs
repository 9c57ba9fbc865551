//! PUT /v2/service_instances/{id} (OSBAPI, "Provisioning").

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use store::{Asked, NewInstance, Provision};
use tracing::Instrument as _;

use crate::app::Broker;
use crate::asked::AskedBy;
use crate::body::Body;
use crate::catalog::maintenance;
use crate::error::OsbError;
use crate::instance_id::InstanceId;
use crate::parameters::{self, shown};
use crate::tenant::tenant;

/// The query of whatever can be asynchronous.
#[derive(serde::Deserialize)]
pub(crate) struct AsyncQuery {
    accepts_incomplete: Option<String>,
}

impl AsyncQuery {
    /// 422 `AsyncRequired` unless the platform can poll: nothing here is done within one request.
    pub(crate) fn require(query: Result<Query<Self>, QueryRejection>) -> Result<(), OsbError> {
        let Query(query) = query.map_err(bad_query)?;
        match query.accepts_incomplete.as_deref() {
            Some("true") => Ok(()),
            None | Some("false" | "") => Err(OsbError::async_required()),
            Some(other) => Err(OsbError::bad_request(format!(
                "accepts_incomplete: {} is neither true nor false.",
                shown(other)
            ))),
        }
    }
}

pub(crate) fn bad_query(rejection: QueryRejection) -> OsbError {
    OsbError::bad_request(format!(
        "The query can't be read: {}.",
        rejection.body_text().trim_end_matches('.')
    ))
}

pub(crate) async fn provision(
    State(broker): State<Arc<Broker>>,
    AskedBy(asked): AskedBy,
    id: InstanceId,
    query: Result<Query<AsyncQuery>, QueryRejection>,
    body: Body,
) -> Result<Response, OsbError> {
    AsyncQuery::require(query)?;
    let new = checked(&broker, &id.0, &body)?;
    // Runs to its end even when the platform hangs up: a commit without its rings would wait for the sweeper.
    let begun = tokio::spawn(begin(broker, new, asked).in_current_span()).await;
    match begun.map_err(|_| broken())?? {
        Begun::Operation(operation) => {
            Ok((StatusCode::ACCEPTED, Json(json!({"operation": operation}))).into_response())
        }
        Begun::Exists => Ok(Json(json!({})).into_response()),
    }
}

/// Everything that can be known to be wrong without the database.
fn checked(broker: &Broker, id: &str, body: &Body) -> Result<NewInstance, OsbError> {
    let plan = broker.offering.chosen(body)?;
    maintenance::check(body, plan)?;
    let (service_id, plan_id) = (broker.offering.id.clone(), plan.id.clone());
    let tenant = tenant(body, id)?;
    let space = body.text("space_guid")?;
    let parameters = parameters::parse(body.0.get("parameters"), broker.default_origin.as_deref())
        .map_err(|error| OsbError::bad_request(error.to_string()))?;
    // What makes two requests the same one ("200 OK … if the requested service is identical").
    let request = json!({
        "service_id": service_id,
        "plan_id": plan_id,
        "tenant": tenant,
        "space_guid": space,
        "parameters": parameters.normalised(),
    });
    Ok(NewInstance {
        id: id.to_string(),
        tenant,
        service_id,
        plan_id,
        settings: plan.complete(parameters.settings),
        domains: parameters.domains,
        request,
    })
}

/// What a provision came to.
enum Begun {
    /// An operation runs, the new one or that of the same request before.
    Operation(uuid::Uuid),
    /// The same request came before and is done.
    Exists,
}

async fn begin(broker: Arc<Broker>, new: NewInstance, asked: Asked) -> Result<Begun, OsbError> {
    match broker.store.provision(&new, &asked, &broker.schedules).await? {
        Provision::Accepted { operation, rings } => {
            tracing::info!(instance = new.id, %operation, domains = new.domains.len(), "provision begun");
            broker.ring(rings).await;
            Ok(Begun::Operation(operation))
        }
        Provision::Running { operation } => Ok(Begun::Operation(operation)),
        Provision::Exists => Ok(Begun::Exists),
        Provision::Busy => Err(OsbError::busy()),
        Provision::Conflict { why } => Err(OsbError::new(
            StatusCode::CONFLICT,
            format!("Instance {}: {why}.", shown(&new.id)),
        )),
        Provision::DomainTaken { domain, same_tenant } => Err(OsbError::bad_request(taken(&domain, same_tenant))),
    }
}

pub(crate) fn taken(domain: &str, same_tenant: bool) -> String {
    if same_tenant {
        format!(
            "domains: {domain} is already asked for by another service instance of this organization; `cf services` \
             lists them. Delete that one, or leave {domain} out here."
        )
    } else {
        format!(
            "domains: {domain} is proved by a service instance of another organization and belongs to that one. Have it \
             deleted there, or leave {domain} out here."
        )
    }
}

/// The handler's task panicked; the panic is in the log.
pub(crate) fn broken() -> OsbError {
    OsbError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "The broker broke off; its operator finds the cause in the log.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_about_taken_domains() {
        insta::assert_snapshot!(taken("www.example.com", true), @"domains: www.example.com is already asked for by another service instance of this organization; `cf services` lists them. Delete that one, or leave www.example.com out here.");
        insta::assert_snapshot!(taken("www.example.com", false), @"domains: www.example.com is proved by a service instance of another organization and belongs to that one. Have it deleted there, or leave www.example.com out here.");
    }
}
