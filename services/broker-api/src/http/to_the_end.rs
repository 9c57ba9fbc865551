//! An answer that is made to its end, although whoever asked has gone.
//!
//! hyper drops what answers a request when its connection ends. A statement that was given up half-way goes back to the pool with its
//! connection, and the next request waits behind it; and a turn that was given back meanwhile is the next reader's. So whoever asks and
//! leaves at once, again and again, would have more of the pool than those turns leave to pages. And what a form does would be done
//! without what follows from it.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tracing::Instrument as _;

/// Answers in a task of its own.
pub(crate) async fn to_the_end(request: Request, next: Next) -> Response {
    let answering = tokio::spawn(next.run(request).in_current_span());
    match answering.await {
        Ok(answer) => answer,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The process ends.
            Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use axum::Router;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use clap::Parser as _;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::Notify;
    use tokio::time::timeout;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::http::{Limits, serve};

    const PATIENCE: Duration = Duration::from_secs(10);

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        limits: Limits,
    }

    #[tokio::test]
    async fn what_was_begun_is_done_although_its_client_has_gone() {
        let [begun, go_on, done] = [(); 3].map(|()| Arc::new(Notify::new()));
        let (begins, goes_on, ends) = (begun.clone(), go_on.clone(), done.clone());
        let work = async move || {
            begins.notify_one();
            goes_on.notified().await;
            ends.notify_one();
        };
        let gone = CancellationToken::new();
        let seen = gone.clone();
        let app = Router::new()
            .route("/", get(work))
            .layer(from_fn(to_the_end))
            .layer(from_fn(move |request: Request, next: Next| {
                let dropped = seen.clone().drop_guard();
                async move {
                    let answer = next.run(request).await;
                    drop(dropped);
                    answer
                }
            }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limits = Line::parse_from(["test"]).limits;
        tokio::spawn(async move { serve(listener, app, &limits, std::future::pending(), Duration::ZERO).await });

        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        timeout(PATIENCE, begun.notified()).await.expect("it has begun");
        drop(client);
        timeout(PATIENCE, gone.cancelled())
            .await
            .expect("the connection has ended");
        go_on.notify_one();
        timeout(PATIENCE, done.notified()).await.expect("it is done");
    }
}
