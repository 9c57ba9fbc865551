//! PATCH /v2/service_instances/{id} (OSBAPI, "Updating a Service Instance").

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use parameters::{Read, shown};
use pipeline::InstanceSettings;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Changes, InstanceView, Requester, Update};
use tracing::Instrument as _;

use crate::catalog::offering::Plan;
use crate::osbapi::accepted::Begun;
use crate::osbapi::body::Body;
use crate::osbapi::broker::Broker;
use crate::osbapi::error::OsbError;
use crate::osbapi::in_time::in_time;
use crate::osbapi::instance_id::InstanceId;
use crate::osbapi::maintenance_info::{self, AskedVersion};
use crate::osbapi::notify;
use crate::osbapi::originating_identity::RequestedBy;
use crate::osbapi::provision::{AsyncQuery, broken, taken};
use crate::osbapi::refused::too_much_unproved;
use crate::osbapi::request_field::{Text, text};

/// How often the write is retried when the instance changes between read and write, before the request is refused.
const ATTEMPTS: u32 = 5;

/// The changes to an instance.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateRequest {
    /// The service's id in the catalog
    #[schemars(required)]
    service_id: Option<Read<Text>>,
    /// The id of the new plan in the catalog, if the plan changes
    plan_id: Option<Read<Text>>,
    /// The location of the instance; ignored: its owner doesn't change
    #[serde(rename = "context")]
    _context: Option<Value>,
    /// The platform's view of the instance; ignored: this broker has its own
    #[serde(rename = "previous_values")]
    _previous_values: Option<Value>,
    /// As the catalog's schema defines them; those that are left out stay unchanged, `null` is the default
    parameters: Option<Value>,
    /// The version of the plan
    maintenance_info: Option<Read<AskedVersion>>,
}

pub(crate) async fn update(
    State(broker): State<Arc<Broker>>,
    RequestedBy(requester): RequestedBy,
    id: InstanceId,
    query: Result<Query<AsyncQuery>, QueryRejection>,
    Body(request): Body<UpdateRequest>,
) -> Result<Begun, OsbError> {
    AsyncQuery::require(query)?;
    broker.offering.check_service(text(request.service_id.as_ref()))?;
    // As with a provision: runs to completion even when the platform disconnects.
    let begun = tokio::spawn(begin(broker, id.0, request, requester).in_current_span()).await;
    begun.map_err(|_| broken())?
}

async fn begin(
    broker: Arc<Broker>,
    id: String,
    request: UpdateRequest,
    requester: Requester,
) -> Result<Begun, OsbError> {
    let begun = match in_time(written(&broker, &id, &request, &requester)).await? {
        Update::Accepted { operation, wake_ups } => {
            tracing::info!(instance = id, %operation, "update started");
            broker.publish(wake_ups);
            Begun::operation(operation)
        }
        Update::Running { operation } => Begun::operation(operation),
        Update::Unchanged => Begun::done(),
        Update::Busy | Update::Changed => return Err(OsbError::busy()),
        Update::Unusable { why } => {
            return Err(OsbError::not_now(format!(
                "Instance {} can't be updated, since {why}.",
                shown(&id)
            )));
        }
        Update::Gone => return Err(unknown()),
        Update::DomainTaken { domain } => return Err(OsbError::bad_request(taken(&domain))),
        Update::TooMuch(too_much) => return Err(too_much_unproved(&too_much)),
    };
    Ok(begun.with_dashboard(broker.dashboard_url(&id, &requester.platform).await))
}

/// Writes the update for the current state of the instance; reads the state again when another write came first.
async fn written(
    broker: &Broker,
    id: &str,
    request: &UpdateRequest,
    requester: &Requester,
) -> Result<Update, OsbError> {
    for _ in 0..ATTEMPTS {
        let Some(instance) = broker.store.instance(id).await? else {
            return Ok(Update::Gone);
        };
        let changes = changes(broker, id, &instance, request)?;
        match broker
            .store
            .update(&changes, requester, broker.bounds, &broker.schedules)
            .await?
        {
            Update::Changed => {}
            update => return Ok(update),
        }
    }
    Ok(Update::Changed)
}

/// The desired state of the instance; includes all checks.
fn changes(broker: &Broker, id: &str, instance: &InstanceView, asked: &UpdateRequest) -> Result<Changes, OsbError> {
    let current = &instance.request;
    let (parameters, look_again) = parameters::update(
        &current["parameters"],
        asked.parameters.as_ref(),
        broker.default_origin.as_deref(),
    )
    .map_err(|error| OsbError::bad_request(error.to_string()))?;
    // An instance that has more names, from before the profile changed, may still change its other settings.
    if current["parameters"]["domains"] != json!(parameters.domains) {
        broker.profile.check(&parameters.domains)?;
    }
    let notify = notify::change(broker, asked.parameters.as_ref(), parameters.notify.as_ref())?;
    let mut request = current.clone();
    request["parameters"] = parameters.normalised();
    let settings = match plan(broker, current, asked)? {
        Some(plan) => {
            request["plan_id"] = plan.id.as_str().into();
            plan.complete(parameters.settings)
        }
        // The settings that a plan gave remain when the plan itself no longer exists.
        None => InstanceSettings {
            price_class: if current["parameters"]["price_class"].is_null() {
                parameters.settings.price_class.or(instance.settings.price_class)
            } else {
                parameters.settings.price_class
            },
            access_logs: instance.settings.access_logs.clone(),
            certificate_key_type: instance.settings.certificate_key_type,
            certificate_authorities: instance.settings.certificate_authorities.clone(),
            ..parameters.settings
        },
    };
    Ok(Changes {
        id: id.to_string(),
        base: current.clone(),
        request,
        settings,
        domains: parameters.domains,
        look_again,
        notify,
    })
}

/// The desired plan of the instance; `None` when its own plan has left the catalog and the request names no other.
fn plan<'b>(broker: &'b Broker, current: &Value, asked: &UpdateRequest) -> Result<Option<&'b Plan>, OsbError> {
    let now = current["plan_id"].as_str().unwrap_or_default();
    let own = broker.offering.plan(now);
    let plan = match text(asked.plan_id.as_ref()) {
        Some(id) if id != now => {
            let other = broker.offering.known(id)?;
            if !own.is_none_or(|own| own.plan_updateable.unwrap_or(broker.offering.plan_updateable)) {
                return Err(OsbError::not_now(format!(
                    "plan_id: instances of this plan can't be changed to another one; create a new instance of plan \
                     {}.",
                    other.name
                )));
            }
            Some(other)
        }
        _ => own,
    };
    if let Some(plan) = plan {
        maintenance_info::check(asked.maintenance_info.as_ref().map(|info| &info.0), plan)?;
    }
    Ok(plan)
}

fn unknown() -> OsbError {
    OsbError::new(StatusCode::NOT_FOUND, "There is no such service instance.")
}
