//! HTTP basic authentication (OSBAPI, "Platform to Service Broker Authentication"; RFC 7617).

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use crate::app::Broker;
use crate::error::OsbError;

/// The digest of `user:password`: comparing digests takes the same time whatever is sent, whatever its length.
pub(crate) struct Credentials(Vec<u8>);

impl Credentials {
    pub(crate) fn new(username: &str, password: &SecretString) -> Self {
        let pair = SecretString::from(format!("{username}:{}", password.expose_secret()));
        Self(digest(&SHA256, pair.expose_secret().as_bytes()).as_ref().to_vec())
    }

    /// Whether the value of an `Authorization` header gives them.
    fn are_in(&self, authorization: Option<&HeaderValue>) -> bool {
        authorization
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
            .and_then(|(_, encoded)| STANDARD.decode(encoded.trim()).ok())
            .is_some_and(|given| digest(&SHA256, &given).as_ref().ct_eq(&self.0).into())
    }
}

pub(crate) async fn authenticate(State(broker): State<Arc<Broker>>, request: Request, next: Next) -> Response {
    if broker.credentials.are_in(request.headers().get(header::AUTHORIZATION)) {
        return next.run(request).await;
    }
    let mut response = OsbError::new(
        StatusCode::UNAUTHORIZED,
        "User name or password is missing or wrong (HTTP basic authentication).",
    )
    .into_response();
    response.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static("Basic realm=\"cdn-broker\", charset=\"UTF-8\""),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_pair_passes() {
        let credentials = Credentials::new("user", &SecretString::from("pass:word"));
        let header =
            |scheme: &str, pair: &str| HeaderValue::from_str(&format!("{scheme} {}", STANDARD.encode(pair))).unwrap();
        assert!(credentials.are_in(Some(&header("Basic", "user:pass:word"))));
        assert!(credentials.are_in(Some(&header("bAsIc", "user:pass:word"))));
        for wrong in ["user:pass", "User:pass:word", "user:pass:word ", "", ":"] {
            assert!(!credentials.are_in(Some(&header("Basic", wrong))), "{wrong:?}");
        }
        assert!(!credentials.are_in(Some(&header("Bearer", "user:pass:word"))));
        assert!(!credentials.are_in(Some(&HeaderValue::from_static("Basic %%%"))));
        assert!(!credentials.are_in(None));
    }
}
