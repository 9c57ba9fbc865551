//! The routes and the middleware order: access log, time limit, authentication, API version, handler.

use std::sync::Arc;
use std::time::Duration;

use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::extract::{Path, Request};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use parameters::shown;

use crate::http::access_log;
use crate::osbapi::auth::authenticate;
use crate::osbapi::broker::Broker;
use crate::osbapi::error::OsbError;
use crate::osbapi::{
    bindings, catalog, deprovision, fetch, last_operation, openapi, provision, unsupported, update, version,
};
use crate::{notify, page, responder};

/// The time limit of a request. Reading the body (10 s), writing to the database (20 s) and publishing (20 s at the
/// very worst) fit into it, and Cloud Controller gives up after 60 s.
const REQUEST_LIMIT: Duration = Duration::from_secs(55);

/// The operator's own endpoints, on a separate listener: the routes of the worker library.
pub fn health(routes: Router) -> Router {
    routes
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(async || (StatusCode::NOT_FOUND, "/healthz, /readyz and /metrics are served here."))
        .layer(from_fn(access_log::log))
}

/// Everything that is served to others. Must be called in a Tokio runtime, since the responder refreshes its set of
/// live challenges in the background.
pub fn app(broker: Arc<Broker>) -> Router {
    let (v2, document) = openapi::described(routes, &broker.catalog);
    let v2 = v2
        .route("/service_instances/", any(unsupported::empty_instance_id))
        // Only for routes that exist: a wrong path or method is answered by 404 or 405 instead.
        .route_layer(from_fn(version::check))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(from_fn_with_state(broker.credentials.clone(), authenticate))
        .layer(from_fn(limit_time))
        // Outermost, so that every response carries the header, including errors.
        .layer(from_fn(version::echo_request_identity));
    let document = Router::new()
        .route("/openapi.json", get(async move || Json(document)))
        .layer(from_fn_with_state(broker.credentials.clone(), authenticate));
    let responder = responder::routes(broker.store.clone()).layer(from_fn(limit_time));
    let app = Router::new().nest("/v2", v2).merge(document).merge(responder);
    notify::mounted(page::mounted(app, &broker), &broker)
        .with_state(broker)
        // Probed by a router or platform in front; needs no authentication.
        .merge(worker::liveness_route())
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(from_fn(access_log::log))
}

/// The routes below `/v2`, each with its part of the OpenAPI document.
fn routes() -> ApiRouter<Arc<Broker>> {
    use openapi::{conflict, gone, missing, unprocessable};
    let instance = get_with(fetch::fetch, |op| op.id("fetch").with(missing).with(unprocessable))
        .put_with(provision::provision, |op| {
            op.id("provision").with(conflict).with(unprocessable)
        })
        .patch_with(update::update, |op| op.id("update").with(missing).with(unprocessable))
        .delete_with(deprovision::deprovision, |op| {
            op.id("deprovision").with(gone).with(unprocessable)
        });
    let binding = get_with(bindings::fetch, |op| {
        op.id("fetch_binding").input::<Path<bindings::Segments>>().with(missing)
    })
    .put_with(bindings::bind, |op| op.id("bind").input::<Path<bindings::Segments>>())
    .delete_with(bindings::unbind, |op| {
        op.id("unbind").input::<Path<bindings::Segments>>().with(gone)
    });
    ApiRouter::new()
        .api_route("/catalog", get_with(catalog::get, |op| op.id("catalog")))
        .api_route("/service_instances/{id}", instance)
        .api_route(
            "/service_instances/{id}/last_operation",
            get_with(last_operation::last_operation, |op| {
                op.id("last_operation").with(missing)
            }),
        )
        .api_route("/service_instances/{id}/service_bindings/{binding}", binding)
        .api_route(
            "/service_instances/{id}/service_bindings/{binding}/last_operation",
            get_with(bindings::fetch, |op| {
                op.id("last_operation_of_binding")
                    .input::<Path<bindings::Segments>>()
                    .with(missing)
            }),
        )
}

/// Answers what takes longer than a request may.
pub(crate) async fn limit_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_LIMIT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => OsbError::unavailable(format!(
            "The request was not done within {} s. Try again in a moment.",
            REQUEST_LIMIT.as_secs()
        ))
        .into_response(),
    }
}

async fn not_found() -> OsbError {
    OsbError::new(
        StatusCode::NOT_FOUND,
        "Nothing is served at this address; the API's are /v2/catalog and /v2/service_instances/<id>.",
    )
}

async fn method_not_allowed(method: Method) -> OsbError {
    OsbError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("This address has no method {}.", shown(method.as_str())),
    )
}
