//! The routes of the operator's page. Nothing is served without a name and a password, and every answer has the headers of status pages.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, Path};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;

use crate::app::limit_time;
use crate::http::access_log;
use crate::http::to_the_end::to_the_end;
use crate::operator::refusal::Refusal;
use crate::operator::{OperatorPage, action, audit, instance, lists, login, overview, search};
use crate::page::{assets, headers};

pub(super) fn app(page: Arc<OperatorPage>) -> Router {
    let form = get(action::confirm).post(action::act);
    Router::new()
        .route("/", get(overview::overview))
        .route("/running", get(lists::running))
        .route("/failed", get(lists::failed))
        .route("/certificates", get(lists::ending))
        .route("/trouble", get(lists::trouble))
        .route("/search", get(search::search))
        .route("/audit", get(audit::audit))
        .route("/instances/{id}", get(instance::instance))
        .route(
            "/instances/{id}/{action}",
            form.layer(DefaultBodyLimit::max(action::MOST_BYTES)),
        )
        .route("/assets/{name}", get(asset))
        .method_not_allowed_fallback(async || Refusal::NoSuchMethod)
        .fallback(async || Refusal::NotFound)
        .layer(from_fn(to_the_end))
        .layer(from_fn_with_state(page.clone(), login::login))
        .layer(from_fn(limit_time))
        // Every answer has them, including refusals.
        .layer(from_fn(headers::secure))
        .layer(from_fn(access_log::log))
        .with_state(page)
}

async fn asset(path: Result<Path<String>, PathRejection>) -> Result<Response, Refusal> {
    assets::asset(path).await.map_err(|_| Refusal::NotFound)
}
