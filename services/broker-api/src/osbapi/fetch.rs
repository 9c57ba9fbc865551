//! GET /v2/service_instances/{id} (OSBAPI, "Fetching a Service Instance").

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use parameters::{DOMAIN_PROBLEM, NOTIFY, RENEWAL_PROBLEM, STATUS};
use pipeline::status::{View, describe, not_renewed, ownership, unfolded};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use store::InstanceView;

use crate::http::access_log::PlatformName;
use crate::osbapi::broker::Broker;
use crate::osbapi::error::OsbError;
use crate::osbapi::instance_id::InstanceId;
use crate::osbapi::lasting;
use crate::osbapi::notify;

/// The current state of an instance.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Fetched {
    service_id: String,
    plan_id: String,
    /// In canonical form; `status` is where to point the domains, when the certificate ends
    /// and what proved each domain; `renewal_problem` while the certificate can't be renewed: what is wrong, and what
    /// to set; `notify` is who is told what by mail, each address shortened; `domain_problem` while a domain is about to go to another instance, or has gone
    #[schemars(with = "Map<String, Value>")]
    parameters: Value,
    /// Where the instance's status page is, for whoever has this link or, where users sign in, may see the instance
    #[serde(skip_serializing_if = "Option::is_none")]
    dashboard_url: Option<String>,
}

pub(crate) async fn fetch(
    State(broker): State<Arc<Broker>>,
    platform: PlatformName,
    id: InstanceId,
) -> Result<Json<Fetched>, OsbError> {
    match broker.store.instance(&id.0).await? {
        // "422 Unprocessable Entity … MUST be returned if … is being updated".
        Some(instance)
            if (instance.operation_kind.as_str(), instance.operation_state.as_str()) == ("update", "running") =>
        {
            Err(OsbError::busy())
        }
        Some(instance) if fetchable(&instance) => {
            let mut parameters = instance.request["parameters"].clone();
            let proofs = broker.store.proofs(&id.0).await?;
            parameters[STATUS] = lasting::status(&instance, &proofs, &broker.responder);
            if let Some(renewal) = instance.renewal_in_trouble
                && let Some(view) = broker.store.last_operation(&id.0, Some(renewal)).await?
            {
                parameters[RENEWAL_PROBLEM] = renewal_problem(&view, &broker.responder).into();
            }
            if let Some(view) = broker.store.last_operation(&id.0, None).await? {
                let problem = ownership(&view);
                if !problem.is_empty() {
                    parameters[DOMAIN_PROBLEM] = problem.trim_start().into();
                }
            }
            if let Some(told) = notify::fetched(&broker, &id.0).await? {
                parameters[NOTIFY] = told;
            }
            Ok(Json(Fetched {
                parameters,
                dashboard_url: broker.dashboard_url(&id.0, &platform.0).await,
                service_id: instance.service_id,
                plan_id: instance.plan_id,
            }))
        }
        _ => Err(OsbError::new(
            StatusCode::NOT_FOUND,
            "There is no such service instance, or it is not created yet, or it is being deleted.",
        )),
    }
}

fn renewal_problem(view: &View, responder: &str) -> String {
    format!("{} {}", not_renewed(view), unfolded(&describe(view, responder)))
}

/// "404 Not Found MUST be returned if the Service Instance does not exist or if a provisioning operation is still in
/// progress." After a failed provision the instance never existed. While a deprovision is running the specification
/// leaves the response open; 404 says that nothing should depend on the instance any more. After a failed deprovision
/// the instance can be fetched.
fn fetchable(instance: &InstanceView) -> bool {
    matches!(
        (instance.operation_kind.as_str(), instance.operation_state.as_str()),
        ("provision", "succeeded") | ("update", _) | ("deprovision", "failed")
    )
}
