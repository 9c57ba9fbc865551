//! The OpenAPI document, generated from the routes and their types, with the ids and schemas of the catalog.

use aide::axum::ApiRouter;
use aide::openapi::{OpenApi, SecurityScheme, Server};
use aide::transform::{TransformOpenApi, TransformOperation};
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::catalog::served::Catalog;
use crate::osbapi::error::ErrorBody;
use crate::osbapi::originating_identity::ORIGINATING_IDENTITY;
use crate::osbapi::version;

/// The routes, and the document that describes them.
pub(crate) fn described<S>(routes: fn() -> ApiRouter<S>, catalog: &Catalog) -> (Router<S>, Value)
where
    S: Clone + Send + Sync + 'static,
{
    // A thread-local setting, read while the routes are built.
    aide::generate::extract_schemas(true);
    let mut api = OpenApi::default();
    let router = routes().finish_api_with(&mut api, about);
    let mut document = serde_json::to_value(&api).unwrap_or_default();
    headers(&mut document);
    links(&mut document);
    of_this_catalog(&mut document, catalog);
    (router, document)
}

fn about(api: TransformOpenApi<'_>) -> TransformOpenApi<'_> {
    let basic = SecurityScheme::Http {
        scheme: "basic".into(),
        bearer_format: None,
        description: Some("One of the platform's credentials".into()),
        extensions: Default::default(),
    };
    api.title("cdn-broker")
        .version(env!("CARGO_PKG_VERSION"))
        .description("The Open Service Broker API 2.17, as this broker serves it with this catalog")
        .server(Server {
            url: "/v2".into(),
            ..Server::default()
        })
        .security_scheme("platform", basic)
        .security_requirement("platform")
}

/// The headers that every operation accepts.
fn headers(document: &mut Value) {
    let parameters = [
        (
            version::VERSION,
            true,
            json!({"type": "string", "pattern": version::PATTERN, "example": "2.17"}),
            "The version of the API that the platform speaks",
        ),
        (
            ORIGINATING_IDENTITY,
            false,
            json!({"type": "string"}),
            "The user who asks: a platform's name, and an object in base64; recorded with the operation",
        ),
        (
            version::REQUEST_IDENTITY,
            false,
            json!({"type": "string"}),
            "Comes back in the answer; recorded with the operation",
        ),
    ];
    let parameters = parameters.map(|(name, required, schema, description)| {
        let name = name.as_str();
        json!({"in": "header", "name": name, "required": required, "schema": schema, "description": description})
    });
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (_, operations) in paths {
        for (_, operation) in operations.as_object_mut().into_iter().flatten() {
            let own = operation["parameters"].as_array().cloned().unwrap_or_default();
            operation["parameters"] = own.into_iter().chain(parameters.clone()).collect();
        }
    }
}

/// Links from a started operation to the requests about its instance.
fn links(document: &mut Value) {
    let instance = json!({"id": "$request.path.id"});
    let with_operation = json!({"id": "$request.path.id", "operation": "$response.body#/operation"});
    document["paths"]["/service_instances/{id}"]["put"]["responses"]["202"]["links"] = json!({
        "poll": {"operationId": "last_operation", "parameters": with_operation},
        "fetch": {"operationId": "fetch", "parameters": instance},
        "update": {"operationId": "update", "parameters": instance},
        "deprovision": {"operationId": "deprovision", "parameters": instance},
    });
}

/// A request names the service and a plan by their ids, and its parameters follow the schemas of the catalog.
fn of_this_catalog(document: &mut Value, catalog: &Catalog) {
    let ids: Vec<&str> = catalog.services.iter().map(|service| service.id.as_str()).collect();
    let plans = catalog.services.iter().flat_map(|service| &service.plans);
    let plan_ids: Vec<&str> = plans.clone().map(|plan| plan.id.as_str()).collect();
    let schemas = &mut document["components"]["schemas"];
    let versions: Vec<&str> = plans.clone().filter_map(|plan| plan.version()).collect();
    for (request, parameters) in [
        ("ProvisionRequest", &catalog.schemas.create.parameters),
        ("UpdateRequest", &catalog.schemas.update.parameters),
    ] {
        let properties = &mut schemas[request]["properties"];
        properties["service_id"]["enum"] = json!(ids);
        properties["plan_id"]["enum"] = json!(plan_ids);
        properties["parameters"] = parameters.clone();
        if versions.is_empty() {
            properties["maintenance_info"]["properties"]["version"] = json!({"type": "null"});
            properties["maintenance_info"]["description"] = json!("The plans have no versions");
        } else {
            let known: Vec<Value> = versions
                .iter()
                .map(|version| json!(version))
                .chain([Value::Null])
                .collect();
            properties["maintenance_info"]["properties"]["version"]["enum"] = json!(known);
        }
    }
}

/// 404.
pub(crate) fn missing(operation: TransformOperation<'_>) -> TransformOperation<'_> {
    operation.response_with::<404, Json<ErrorBody>, _>(|answer| answer.description("It does not exist."))
}

/// 409.
pub(crate) fn conflict(operation: TransformOperation<'_>) -> TransformOperation<'_> {
    operation
        .response_with::<409, Json<ErrorBody>, _>(|answer| answer.description("Another instance has, or had, this id."))
}

/// 410.
pub(crate) fn gone(operation: TransformOperation<'_>) -> TransformOperation<'_> {
    operation.response_with::<410, Json<ErrorBody>, _>(|answer| answer.description("It no longer exists."))
}

/// 422.
pub(crate) fn unprocessable(operation: TransformOperation<'_>) -> TransformOperation<'_> {
    operation.response_with::<422, Json<ErrorBody>, _>(|answer| {
        answer.description(
            "Not possible now, not supported, or not without accepts_incomplete; error or description says which.",
        )
    })
}
