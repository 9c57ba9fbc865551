//! /healthz: the process is alive. /readyz: it can work. /metrics: Prometheus.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use messaging::Messaging;
use store::Store;
use telemetry::Telemetry;
use tokio::net::TcpListener;

use crate::peers::Peers;

/// A probe of Kubernetes or Cloud Foundry times out soon after this.
const PATIENCE: Duration = Duration::from_secs(3);

/// For a listener that others can reach: whether the process is alive, and nothing else.
pub fn liveness_route() -> Router {
    Router::new().route("/healthz", get(|| async { "ok" }))
}

/// broker-api's routes: it is ready when PostgreSQL answers, since it accepts requests without RabbitMQ too.
pub fn health_routes(store: Store, messaging: Arc<Messaging>, telemetry: &Telemetry) -> Router {
    routes(store, messaging, None, telemetry)
}

/// A worker's routes: it is ready when PostgreSQL answers and its queue is being consumed.
pub(crate) fn worker_routes(
    store: Store,
    messaging: Arc<Messaging>,
    peers: Arc<Peers>,
    telemetry: &Telemetry,
) -> Router {
    routes(store, messaging, Some(peers), telemetry)
}

fn routes(store: Store, messaging: Arc<Messaging>, peers: Option<Arc<Peers>>, telemetry: &Telemetry) -> Router {
    let metrics = telemetry.metrics();
    let pool = store.clone();
    liveness_route()
        .route("/readyz", get(move || ready(store.clone(), peers.clone())))
        .route(
            "/metrics",
            get(move || {
                pool.measure();
                messaging.measure();
                std::future::ready(metrics.render())
            }),
        )
}

async fn ready(store: Store, peers: Option<Arc<Peers>>) -> (StatusCode, String) {
    let unready = |why: String| (StatusCode::SERVICE_UNAVAILABLE, why);
    match tokio::time::timeout(PATIENCE, store.ping()).await {
        Err(_elapsed) => return unready(format!("PostgreSQL does not answer within {PATIENCE:?}")),
        Ok(Err(error)) => return unready(format!("PostgreSQL: {error}")),
        Ok(Ok(())) => {}
    }
    match peers {
        Some(peers) if !peers.consuming() => unready("the queue at RabbitMQ is not being consumed".to_string()),
        _ => (StatusCode::OK, "ready".to_string()),
    }
}

/// Serves the routes until the process ends.
///
/// # Errors
/// When the listener fails.
pub async fn serve_health(listener: TcpListener, routes: Router) -> std::io::Result<()> {
    axum::serve(listener, routes).await
}
