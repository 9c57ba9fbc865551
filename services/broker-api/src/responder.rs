//! The http-01 responder (RFC 8555 §8.3): the target of users' redirects and, later, of the distributions' own
//! behaviour. It is open to everyone, so it answers from [`Challenges`], and strings that can't be a token are not even
//! looked up there.

mod challenges;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use store::Store;

use crate::responder::challenges::{Challenges, Unanswered};

/// RFC 8555 §8.3: base64url, at least 128 bits; CAs use 43 characters.
const TOKEN_MOST: usize = 128;
/// Part of an `OriginPath`, of which CloudFront accepts 255 characters.
const TENANT_MOST: usize = 255;
/// The response body for an unknown challenge.
pub(crate) const NO_SUCH_CHALLENGE: &str = "no such challenge";

/// The routes that are open to everyone.
pub(crate) fn routes<S>(store: Store) -> Router<S> {
    Router::new()
        .route("/acme/{tenant}/.well-known/acme-challenge/{token}", get(respond))
        .with_state(Arc::new(Challenges::of(store)))
}

async fn respond(
    State(challenges): State<Arc<Challenges>>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Response {
    let Ok(Path((tenant, token))) = path else {
        return plain(StatusCode::NOT_FOUND, NO_SUCH_CHALLENGE);
    };
    if !could_be_tenant(&tenant) || !could_be_token(&token) {
        return plain(StatusCode::NOT_FOUND, NO_SUCH_CHALLENGE);
    }
    match challenges.answer(&tenant, &token).await {
        Ok(Some(key_authorization)) => (
            [
                // The type in RFC 8555 §8.3's example.
                (header::CONTENT_TYPE, "application/octet-stream"),
                (header::CACHE_CONTROL, "no-store"),
            ],
            key_authorization.to_string(),
        )
            .into_response(),
        Ok(None) => plain(StatusCode::NOT_FOUND, NO_SUCH_CHALLENGE),
        Err(Unanswered) => unanswered(),
    }
}

/// `no-store`: an edge that cached "no such challenge" would fail the validation that follows a moment later.
fn plain(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}

fn unanswered() -> Response {
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, "try again in a moment");
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn could_be_token(token: &str) -> bool {
    let base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !token.is_empty() && token.len() <= TOKEN_MOST && token.bytes().all(base64url)
}

/// Whether [`pipeline::proof::path_segment`] could have produced the segment.
fn could_be_tenant(segment: &str) -> bool {
    let made = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~' | b'.');
    !segment.is_empty() && segment.len() <= TENANT_MOST && segment.bytes().all(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tokens_are_looked_for() {
        assert!(could_be_token("LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"));
        assert!(could_be_token(&"a".repeat(128)));
        for wrong in ["", "a b", "a.b", "a/b", "a\0", "tök", &"a".repeat(129)] {
            assert!(!could_be_token(wrong), "{wrong:?}");
        }
        for tenant in ["o-1", "k8s:c/n", "instance:Ü"] {
            assert!(could_be_tenant(&pipeline::proof::path_segment(tenant)));
        }
        assert!(!could_be_tenant("a/b"));
    }
}
