//! The http-01 responder (RFC 8555 §8.3): where users' redirects and, later, the distributions' own behaviour lead.
//! Open to everyone, so what can't be a token never reaches the database, and the rest only through a [`Gate`].

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::broker::Broker;

/// RFC 8555 §8.3: base64url, at least 128 bits; CAs use 43 characters.
const TOKEN_MOST: usize = 128;
/// It is part of an `OriginPath`, of which CloudFront takes 255 characters.
const TENANT_MOST: usize = 255;
/// What is said of a challenge that is not known here.
pub(crate) const NO_SUCH_CHALLENGE: &str = "no such challenge";
/// How many requests ask the database at once: few of the pool's connections (8 by default), so that no flood of them
/// keeps the platform's own requests waiting.
const AT_ONCE: usize = 2;
/// How long a request waits for its turn: a CA asks once, gives up after 10 s (Let's Encrypt), and counts what it isn't answered as a
/// failed validation. A renewal of 20 domains is 20 requests at once, from each of the CA's vantage points.
const PATIENCE: Duration = Duration::from_secs(8);
/// How many may wait; more is a flood, and is turned away at once.
const WAITING: usize = 256;

/// Lets few requests through to the database at a time.
pub(crate) struct Gate {
    door: Semaphore,
    desk: Semaphore,
    patience: Duration,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new(WAITING, PATIENCE)
    }
}

impl Gate {
    fn new(waiting: usize, patience: Duration) -> Self {
        Self {
            door: Semaphore::new(AT_ONCE + waiting),
            desk: Semaphore::new(AT_ONCE),
            patience,
        }
    }

    /// `None` when too many others are there. The turn ends when what is returned is dropped.
    async fn enter(&self) -> Option<(SemaphorePermit<'_>, SemaphorePermit<'_>)> {
        let inside = self.door.try_acquire().ok()?;
        let turn = tokio::time::timeout(self.patience, self.desk.acquire())
            .await
            .ok()?
            .ok()?;
        Some((inside, turn))
    }
}

pub(crate) async fn respond(
    State(broker): State<Arc<Broker>>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Response {
    let Ok(Path((tenant, token))) = path else {
        return plain(StatusCode::NOT_FOUND, NO_SUCH_CHALLENGE);
    };
    if !could_be_tenant(&tenant) || !could_be_token(&token) {
        return plain(StatusCode::NOT_FOUND, NO_SUCH_CHALLENGE);
    }
    let Some(turn) = broker.gate.enter().await else {
        return busy();
    };
    let found = broker.store.key_authorization(&tenant, &token).await;
    drop(turn);
    match found {
        Ok(Some(key_authorization)) => (
            [
                // The type in RFC 8555 §8.3's example.
                (header::CONTENT_TYPE, "application/octet-stream"),
                (header::CACHE_CONTROL, "no-store"),
            ],
            key_authorization,
        )
            .into_response(),
        Ok(None) => plain(StatusCode::NOT_FOUND, NO_SUCH_CHALLENGE),
        Err(error) => {
            let error = anyhow::Error::from(error);
            tracing::error!(error = format!("{error:#}"), "the database failed");
            plain(StatusCode::SERVICE_UNAVAILABLE, "try again in a moment")
        }
    }
}

/// `no-store`: an edge that remembers "no such challenge" would fail the validation that comes a moment later.
fn plain(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}

fn busy() -> Response {
    let mut response = plain(
        StatusCode::SERVICE_UNAVAILABLE,
        "too many requests at once; try again in a second",
    );
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn could_be_token(token: &str) -> bool {
    let base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !token.is_empty() && token.len() <= TOKEN_MOST && token.bytes().all(base64url)
}

/// What [`pipeline::domain::path_segment`] makes.
fn could_be_tenant(segment: &str) -> bool {
    let made = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~' | b'.');
    !segment.is_empty() && segment.len() <= TENANT_MOST && segment.bytes().all(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_burst_waits_for_its_turn_and_a_flood_is_turned_away() {
        let gate = Gate::new(1, Duration::from_secs(30));
        let first = gate.enter().await.unwrap();
        let _second = gate.enter().await.unwrap();
        let (third, ()) = tokio::join!(gate.enter(), async {
            assert!(gate.enter().await.is_none(), "one waits already");
            drop(first);
        });
        assert!(third.is_some(), "it had its turn");
        let impatient = Gate::new(1, Duration::from_millis(20));
        let _busy = (impatient.enter().await.unwrap(), impatient.enter().await.unwrap());
        assert!(impatient.enter().await.is_none(), "a CA doesn't wait for ever");
        let answer = busy();
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()[header::RETRY_AFTER], "1");
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
    }

    #[test]
    fn only_tokens_reach_the_database() {
        assert!(could_be_token("LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"));
        assert!(could_be_token(&"a".repeat(128)));
        for wrong in ["", "a b", "a.b", "a/b", "a\0", "tök", &"a".repeat(129)] {
            assert!(!could_be_token(wrong), "{wrong:?}");
        }
        for tenant in ["o-1", "k8s:c/n", "instance:Ü"] {
            assert!(could_be_tenant(&pipeline::domain::path_segment(tenant)));
        }
        assert!(!could_be_tenant("a/b"));
    }
}
