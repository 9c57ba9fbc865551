//! Serving connections, with a time limit for a request's head, which axum's own `serve` doesn't have; and the end:
//! requests in hand are finished.

use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A request's head has to arrive within this time; also how long an idle connection is kept.
const HEAD_LIMIT: Duration = Duration::from_secs(30);
/// Pause after a failed accept: the usual cause, no free file descriptor, doesn't go away at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown` resolves, then finishes what is in hand, for at most `grace`.
///
/// # Errors
/// When `shutdown` fails.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    shutdown: impl Future<Output = std::io::Result<()>>,
    grace: Duration,
) -> std::io::Result<()> {
    let connections = TaskTracker::new();
    let ending = CancellationToken::new();
    tokio::pin!(shutdown);
    let asked = loop {
        tokio::select! {
            asked = &mut shutdown => break asked,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, app.clone(), ending.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    };
    drop(listener);
    ending.cancel();
    connections.close();
    tracing::info!(connections = connections.len(), "shutting down");
    if tokio::time::timeout(grace, connections.wait()).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "the grace is over, requests are broken off"
        );
    }
    asked
}

async fn connection(stream: TcpStream, app: Router, ending: CancellationToken) {
    // Nagle's algorithm would hold small answers back.
    let _ = stream.set_nodelay(true);
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    tokio::pin!(serving);
    let ended = tokio::select! {
        ended = &mut serving => ended,
        () = ending.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
