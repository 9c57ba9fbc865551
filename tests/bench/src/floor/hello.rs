//! The floor of an idle service: axum that says hello.

use axum::Router;
use axum::routing::get;

use crate::floor::server;

/// # Errors
/// When it can't listen.
pub(crate) async fn serve() -> anyhow::Result<()> {
    server::serve(Router::new().route("/readyz", get(hello))).await
}

async fn hello() -> &'static str {
    "Hello, World!"
}
