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
use crate::parameters::{MOST_DOMAINS, MOST_HEADERS, MOST_PATH};
use crate::settings::BrokerArgs;

pub(crate) async fn get(State(broker): State<Arc<Broker>>) -> Json<Value> {
    Json(broker.catalog.clone())
}

/// The answer, as the platform reads it: what is offered, with what this program itself decides.
pub(crate) fn served(offering: &Offering, args: &BrokerArgs) -> Value {
    let schema = create_schema(args);
    let plans: Vec<Value> = offering
        .plans
        .iter()
        .map(|plan| served_plan(offering, plan, &schema))
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

fn served_plan(offering: &Offering, plan: &Plan, schema: &Value) -> Value {
    let mut served = json!({
        "id": plan.id,
        "name": plan.name,
        "description": plan.description,
        "metadata": plan.metadata,
        "free": plan.free,
        "bindable": false,
        "plan_updateable": plan.plan_updateable.unwrap_or(offering.plan_updateable),
        "maximum_polling_duration": plan.maximum_polling_duration,
        "schemas": {"service_instance": {"create": {"parameters": schema}}},
    });
    if let Some(info) = &plan.maintenance_info {
        served["maintenance_info"] = json!({"version": info.version});
        if let Some(description) = &info.description {
            served["maintenance_info"]["description"] = description.as_str().into();
        }
    }
    served
}

/// The schema of `parameters`, for user interfaces; the parser is stricter, and says what is wrong. Cloud Controller
/// wants draft 4 and no outside references.
fn create_schema(args: &BrokerArgs) -> Value {
    let list_or_text = |what: &str, most: usize| {
        json!({
            "description": what,
            "oneOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "maxItems": most},
            ],
        })
    };
    let cookies = json!({
        "description": "Cookies passed to the origin: \"*\" or true for all (the default), \"\" or false for none, else names, as a list or separated by commas",
        "oneOf": [{"type": "boolean"}, {"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    });
    let headers = "Request headers passed to the origin, as a list or separated by commas; \"*\" alone: all";
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "domains": list_or_text("The domains, as a list or separated by commas", MOST_DOMAINS),
            "domain": {"type": "string", "description": "The domains, separated by commas (older form of domains)"},
            "origin": {"type": "string", "maxLength": 253, "description": "Host name of the origin"},
            "path": {"type": "string", "maxLength": MOST_PATH, "description": "Folder at the origin, such as /assets"},
            "insecure_origin": {"type": "boolean", "description": "Fetch from the origin by plain HTTP"},
            "forward_headers": list_or_text(headers, MOST_HEADERS),
            "headers": list_or_text("Older form of forward_headers", MOST_HEADERS),
            "forward_cookies": cookies,
            "cookies": {"type": "boolean", "description": "Older form of forward_cookies"},
        },
        "oneOf": [{"required": ["domains"]}, {"required": ["domain"]}],
    });
    match &args.default_origin.0 {
        Some(origin) => schema["properties"]["origin"]["default"] = origin.as_str().into(),
        None => schema["required"] = json!(["origin"]),
    }
    schema
}

#[cfg(test)]
mod tests;
