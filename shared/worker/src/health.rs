//! /healthz: the process lives. /readyz: it can work (PostgreSQL answers). /metrics: Prometheus.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use store::Store;
use telemetry::Telemetry;
use tokio::net::TcpListener;

/// The routes, for broker-api to serve beside its own.
pub fn health_routes(store: Store, telemetry: &Telemetry) -> Router {
    let metrics = telemetry.metrics();
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(move || ready(store.clone())))
        .route("/metrics", get(move || std::future::ready(metrics.render())))
}

async fn ready(store: Store) -> (StatusCode, &'static str) {
    match tokio::time::timeout(Duration::from_secs(3), store.ping()).await {
        Ok(Ok(())) => (StatusCode::OK, "ready"),
        Ok(Err(_)) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "PostgreSQL does not answer"),
    }
}

/// Serves them until the process ends.
///
/// # Errors
/// When the listener breaks.
pub async fn serve_health(listener: TcpListener, routes: Router) -> std::io::Result<()> {
    axum::serve(listener, routes).await
}
