//! Serving connections within limits that axum's own `serve` doesn't have; and the end: requests in hand are finished.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::limits::{HEAD_BYTES, HEADERS, Limits};
use crate::paced::Paced;

/// Pause after a failed accept: the usual cause, no free file descriptor, doesn't go away at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown` resolves, then finishes what is in hand, for at most `grace`.
///
/// # Errors
/// When `shutdown` fails.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    limits: &Limits,
    shutdown: impl Future<Output = std::io::Result<()>>,
    grace: Duration,
) -> std::io::Result<()> {
    let connections = TaskTracker::new();
    let ending = CancellationToken::new();
    let seats = Arc::new(Semaphore::new(limits.max_connections as usize));
    tokio::pin!(shutdown);
    let asked = loop {
        // Without a seat nobody is let in: whoever comes waits with the kernel, and time limits free the seats.
        let accept = async {
            let seat = seats.clone().acquire_owned().await.map_err(std::io::Error::other)?;
            listener.accept().await.map(|(stream, _)| (stream, seat))
        };
        tokio::select! {
            asked = &mut shutdown => break asked,
            accepted = accept => match accepted {
                Ok((stream, seat)) => {
                    connections.spawn(connection(stream, seat, app.clone(), limits.clone(), ending.clone()));
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

async fn connection(
    stream: TcpStream,
    _seat: OwnedSemaphorePermit,
    app: Router,
    limits: Limits,
    ending: CancellationToken,
) {
    // Nagle's algorithm would hold small answers back.
    let _ = stream.set_nodelay(true);
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_header_size(HEAD_BYTES)
        .max_headers(HEADERS)
        .serve_connection(
            TokioIo::new(Paced::new(stream, limits.answer_timeout)),
            TowerToHyperService::new(app),
        );
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
