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
use crate::settings::BrokerArgs;

/// Digests of `user:password`: comparing digests takes the same time whatever is sent, whatever its length.
pub(crate) struct Credentials {
    /// The current pair, and the one before it while the platform may still have it.
    pairs: Vec<(&'static str, Vec<u8>)>,
}

impl Credentials {
    pub(crate) fn new(args: &BrokerArgs) -> Self {
        let mut pairs = vec![("current", pair(&args.broker_username, args.broker_password.expose()))];
        if !args.broker_password_previous.expose().is_empty() {
            let username = match args.broker_username_previous.as_str() {
                "" => &args.broker_username,
                previous => previous,
            };
            pairs.push(("previous", pair(username, args.broker_password_previous.expose())));
        }
        Self { pairs }
    }

    /// Which of them the value of an `Authorization` header gives.
    fn given_in(&self, authorization: Option<&HeaderValue>) -> Option<&'static str> {
        let given = authorization
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
            .and_then(|(_, encoded)| STANDARD.decode(encoded.trim()).ok())?;
        let given = digest(&SHA256, &given);
        // Every pair is compared, whichever fits.
        let mut found = None;
        for (name, digest) in &self.pairs {
            let fits: bool = given.as_ref().ct_eq(digest).into();
            found = if fits { Some(*name) } else { found };
        }
        found
    }
}

fn pair(username: &str, password: &str) -> Vec<u8> {
    let pair = SecretString::from(format!("{username}:{password}"));
    digest(&SHA256, pair.expose_secret().as_bytes()).as_ref().to_vec()
}

pub(crate) async fn authenticate(State(broker): State<Arc<Broker>>, request: Request, next: Next) -> Response {
    let given = broker
        .credentials
        .given_in(request.headers().get(header::AUTHORIZATION));
    metrics::counter!("broker_authentications_total", "credentials" => given.unwrap_or("wrong")).increment(1);
    if given.is_some() {
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

    fn header(scheme: &str, pair: &str) -> HeaderValue {
        HeaderValue::from_str(&format!("{scheme} {}", STANDARD.encode(pair))).unwrap()
    }

    #[test]
    fn only_the_exact_pairs_pass() {
        let credentials = Credentials {
            pairs: vec![
                ("current", pair("user", "pass:word")),
                ("previous", pair("old", "older")),
            ],
        };
        let given = |header: HeaderValue| credentials.given_in(Some(&header));
        assert_eq!(given(header("Basic", "user:pass:word")), Some("current"));
        assert_eq!(given(header("bAsIc", "user:pass:word")), Some("current"));
        assert_eq!(given(header("Basic", "old:older")), Some("previous"));
        for wrong in [
            "user:pass",
            "User:pass:word",
            "user:pass:word ",
            "",
            ":",
            "user:older",
            "old:pass:word",
        ] {
            assert_eq!(given(header("Basic", wrong)), None, "{wrong:?}");
        }
        assert_eq!(given(header("Bearer", "user:pass:word")), None);
        assert_eq!(given(HeaderValue::from_static("Basic %%%")), None);
        assert_eq!(credentials.given_in(None), None);
    }
}
