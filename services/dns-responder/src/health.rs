//! /healthz, /readyz and /metrics.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use telemetry::Telemetry;

use crate::board::Board;

/// It is ready once the zone was read, and stays so without PostgreSQL: what it knows is better than no answer.
pub fn routes(board: Arc<Board>, telemetry: &Telemetry) -> Router {
    let metrics = telemetry.metrics();
    let measured = board.clone();
    worker::liveness_route()
        .route("/readyz", get(move || std::future::ready(ready(&board))))
        .route(
            "/metrics",
            get(move || {
                if let Some(age) = measured.age() {
                    metrics::gauge!("dns_data_age_seconds").set(age.as_secs_f64());
                }
                std::future::ready(metrics.render())
            }),
        )
}

fn ready(board: &Board) -> (StatusCode, &'static str) {
    match board.age() {
        None => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the zone was not read from PostgreSQL yet",
        ),
        Some(_) => (StatusCode::OK, "ready"),
    }
}
