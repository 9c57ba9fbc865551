//! One log line and one measurement per request. Never headers or bodies, and the route rather than the path: paths
//! contain tokens.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;
use tracing::field::Empty;

/// The platform that sent a request: set on the request for the operation's record, and on the response for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlatformName(pub(crate) Arc<str>);

pub(crate) async fn log(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = method_name(request.method());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(MatchedPath::as_str)
        // axum's name for a nested router's fallback.
        .filter(|path| !path.contains("__private"))
        .unwrap_or("unmatched")
        .to_string();
    let span = tracing::info_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        method,
        route,
        platform = Empty
    );
    let response = next.run(request).instrument(span).await;
    let status = response.status().as_u16();
    let platform = response.extensions().get::<PlatformName>().map(|name| &*name.0);
    let took = begun.elapsed();
    let ms = took.as_millis() as u64;
    if matches!(route.as_str(), "/healthz" | "/readyz" | "/metrics") {
        // Probes arrive every few seconds and would drown out the rest.
        tracing::debug!(method, route, platform, status, ms, "request");
    } else {
        tracing::info!(method, route, platform, status, ms, "request");
    }
    metrics::counter!(
        "http_requests_total", "method" => method, "route" => route.clone(), "status" => status.to_string()
    )
    .increment(1);
    metrics::histogram!("http_request_duration_seconds", "method" => method, "route" => route).record(took);
    response
}

/// Only methods that exist: a client can invent others, and each would become a new time series.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "POST" => "POST",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
