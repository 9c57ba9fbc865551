//! GET /v2/catalog (OSBAPI, "Catalog Management").

pub(crate) mod advice;
pub(crate) mod choice;
pub(crate) mod file;
pub(crate) mod maintenance;
mod metadata;
pub(crate) mod offering;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::app::Broker;
use crate::catalog::offering::{Offering, Plan};
use crate::parameters::schema;
use crate::settings::BrokerArgs;

pub(crate) async fn get(State(broker): State<Arc<Broker>>) -> Json<Value> {
    Json(broker.catalog.clone())
}

/// The answer, as the platform reads it: what is offered, with what this program itself decides.
pub(crate) fn served(offering: &Offering, args: &BrokerArgs) -> Value {
    let default_origin = args.default_origin.0.as_deref();
    let schemas = json!({"service_instance": {
        "create": {"parameters": schema::create(default_origin)},
        "update": {"parameters": schema::update()},
    }});
    let plans: Vec<Value> = offering
        .plans
        .iter()
        .map(|plan| served_plan(offering, plan, &schemas))
        .collect();
    json!({"services": [{
        "id": offering.id,
        "name": offering.name,
        "description": offering.description,
        "bindable": false,
        "instances_retrievable": true,
        "bindings_retrievable": false,
        "plan_updateable": offering.plan_updateable,
        "allow_context_updates": false,
        "tags": offering.tags,
        "metadata": offering.metadata,
        "plans": plans,
    }]})
}

fn served_plan(offering: &Offering, plan: &Plan, schemas: &Value) -> Value {
    let mut served = json!({
        "id": plan.id,
        "name": plan.name,
        "description": plan.description,
        "metadata": plan.metadata,
        "free": plan.free,
        "bindable": false,
        "plan_updateable": plan.plan_updateable.unwrap_or(offering.plan_updateable),
        "maximum_polling_duration": plan.maximum_polling_duration,
        "schemas": schemas,
    });
    if let Some(info) = &plan.maintenance_info {
        served["maintenance_info"] = json!({"version": info.version});
        if let Some(description) = &info.description {
            served["maintenance_info"]["description"] = description.as_str().into();
        }
    }
    served
}

#[cfg(test)]
mod tests;
