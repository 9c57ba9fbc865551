//! PUT /v2/service_instances/{id} (OSBAPI, "Provisioning").

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use parameters::{Read, shown};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{NewInstance, Provision, Requester};
use tracing::Instrument as _;

use crate::osbapi::accepted::Begun;
use crate::osbapi::body::Body;
use crate::osbapi::broker::Broker;
use crate::osbapi::error::OsbError;
use crate::osbapi::in_time::in_time;
use crate::osbapi::instance_id::InstanceId;
use crate::osbapi::maintenance_info::{self, AskedVersion};
use crate::osbapi::notify;
use crate::osbapi::originating_identity::RequestedBy;
use crate::osbapi::refused::too_much_unproved;
use crate::osbapi::request_field::{Object, Text, text};
use crate::osbapi::tenant::tenant;

/// The query of whatever can be asynchronous.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct AsyncQuery {
    /// Must be true: no operation completes within one request
    #[schemars(required, extend("enum" = ["true"]))]
    accepts_incomplete: Option<String>,
}

impl AsyncQuery {
    /// 422 `AsyncRequired` unless the platform can poll: no operation here completes within one request.
    pub(crate) fn require(query: Result<Query<Self>, QueryRejection>) -> Result<(), OsbError> {
        let Query(query) = query.map_err(bad_query)?;
        match query.accepts_incomplete.as_deref() {
            Some("true") => Ok(()),
            None | Some("false" | "") => Err(OsbError::async_required("accepts_incomplete=true is missing")),
            Some(other) => Err(OsbError::async_required(&format!(
                "accepts_incomplete is {}; write accepts_incomplete=true, in lower case",
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

/// A new instance.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ProvisionRequest {
    /// The service's id in the catalog
    #[schemars(required)]
    service_id: Option<Read<Text>>,
    /// The plan's id in the catalog
    #[schemars(required)]
    plan_id: Option<Read<Text>>,
    /// The platform's location of the instance; its organization or namespace owns the domains
    context: Option<Read<Object>>,
    /// Cloud Foundry's; the one in the context takes precedence
    organization_guid: Option<Read<Text>>,
    /// Cloud Foundry's
    space_guid: Option<Read<Text>>,
    /// As the catalog's schema defines them
    #[schemars(required)]
    parameters: Option<Value>,
    /// The version of the plan
    maintenance_info: Option<Read<AskedVersion>>,
}

pub(crate) async fn provision(
    State(broker): State<Arc<Broker>>,
    RequestedBy(requester): RequestedBy,
    id: InstanceId,
    query: Result<Query<AsyncQuery>, QueryRejection>,
    Body(request): Body<ProvisionRequest>,
) -> Result<Begun, OsbError> {
    AsyncQuery::require(query)?;
    let new = checked(&broker, &id.0, &request)?;
    // Runs to completion even when the platform disconnects: a commit without its publishes would wait for the sweeper.
    let begun = tokio::spawn(begin(broker, new, requester).in_current_span()).await;
    begun.map_err(|_| broken())?
}

/// All checks that need no database.
fn checked(broker: &Broker, id: &str, asked: &ProvisionRequest) -> Result<NewInstance, OsbError> {
    let plan = broker
        .offering
        .chosen(text(asked.service_id.as_ref()), text(asked.plan_id.as_ref()))?;
    maintenance_info::check(asked.maintenance_info.as_ref().map(|info| &info.0), plan)?;
    let (service_id, plan_id) = (broker.offering.id.clone(), plan.id.clone());
    let context = asked.context.as_ref().map(|context| &context.0.0);
    let tenant = tenant(context, text(asked.organization_guid.as_ref()), id)?;
    let space = text(asked.space_guid.as_ref());
    let parameters = parameters::parse(asked.parameters.as_ref(), broker.default_origin.as_deref())
        .map_err(|error| OsbError::bad_request(error.to_string()))?;
    broker.profile.check(&parameters.domains)?;
    let notify = notify::subscribers(broker, parameters.notify.as_ref())?;
    // The fields that make two requests identical ("200 OK … if the requested service is identical").
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
        notify,
    })
}

async fn begin(broker: Arc<Broker>, new: NewInstance, requester: Requester) -> Result<Begun, OsbError> {
    let provision = broker
        .store
        .provision(&new, &requester, broker.bounds, &broker.schedules);
    let begun = match in_time(provision).await? {
        Provision::Accepted { operation, wake_ups } => {
            tracing::info!(instance = new.id, %operation, domains = new.domains.len(), "provision started");
            broker.publish(wake_ups);
            Begun::operation(operation)
        }
        Provision::Running { operation } => Begun::operation(operation),
        Provision::Exists => Begun::done(),
        Provision::Busy => return Err(OsbError::busy()),
        Provision::Conflict { why } => {
            return Err(OsbError::new(
                StatusCode::CONFLICT,
                format!("Instance {}: {why}.", shown(&new.id)),
            ));
        }
        Provision::DomainTaken { domain } => return Err(OsbError::bad_request(taken(&domain))),
        Provision::TooMuch(too_much) => return Err(too_much_unproved(&too_much)),
    };
    Ok(begun.with_dashboard(broker.dashboard_url(&new.id, &requester.platform).await))
}

pub(crate) fn taken(domain: &str) -> String {
    format!(
        "domains: {domain} is already asked for by another service instance of this organization (`cf services` in \
         each of its spaces lists them). Delete that one, or leave {domain} out here."
    )
}

/// The handler's task panicked; the panic was logged.
pub(crate) fn broken() -> OsbError {
    OsbError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "The broker failed; its operator finds the cause in the log.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_about_a_taken_domain() {
        insta::assert_snapshot!(taken("www.example.com"), @"domains: www.example.com is already asked for by another service instance of this organization (`cf services` in each of its spaces lists them). Delete that one, or leave www.example.com out here.");
    }
}
