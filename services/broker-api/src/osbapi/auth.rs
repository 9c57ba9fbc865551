//! HTTP basic authentication (OSBAPI, "Platform to Service Broker Authentication"; RFC 7617).

use std::convert::Infallible;
use std::sync::Arc;

use aide::OperationInput;
use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use crate::http::access_log::PlatformName;
use crate::http::seats::Seat;
use crate::osbapi::error::OsbError;
use crate::platforms::{Login, Platform};

/// Digests of `user:password`: comparing digests takes the same time for any input of any length.
pub(crate) struct Credentials {
    pairs: Vec<Pair>,
}

pub(crate) struct Pair {
    /// The name of whoever has them.
    pub(crate) whose: Arc<str>,
    /// For the metric: whether it is the newest password.
    generation: &'static str,
    digest: Vec<u8>,
}

impl Credentials {
    pub(crate) fn new(platforms: &[Platform]) -> Self {
        Self::of(platforms.iter().map(|platform| {
            let previous = platform.previous.as_slice();
            (platform.name.as_str(), &platform.current, previous)
        }))
    }

    /// Those of anybody: the name, the current login, and older ones.
    pub(crate) fn of<'l>(all: impl Iterator<Item = (&'l str, &'l Login, &'l [Login])>) -> Self {
        let pairs = all.flat_map(|(name, current, previous)| {
            let whose: Arc<str> = name.into();
            let pair = move |generation, login: &Login| Pair {
                whose: whose.clone(),
                generation,
                digest: digest_of(login),
            };
            let current = pair("current", current);
            std::iter::once(current).chain(previous.iter().map(move |login| pair("previous", login)))
        });
        Self { pairs: pairs.collect() }
    }

    /// The credentials that the value of an `Authorization` header matches.
    pub(crate) fn given_in(&self, authorization: Option<&HeaderValue>) -> Option<&Pair> {
        let given = authorization
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
            .and_then(|(_, encoded)| STANDARD.decode(encoded.trim()).ok())?;
        let given = digest(&SHA256, &given);
        // Every pair is compared, even after a match, for constant time. The first match counts, so that "previous"
        // means an older password.
        let mut found = None;
        for pair in &self.pairs {
            let fits: bool = given.as_ref().ct_eq(&pair.digest).into();
            found = if fits && found.is_none() { Some(pair) } else { found };
        }
        found
    }
}

fn digest_of(login: &Login) -> Vec<u8> {
    let pair = SecretString::from(format!("{}:{}", login.username, login.password.expose_secret()));
    digest(&SHA256, pair.expose_secret().as_bytes()).as_ref().to_vec()
}

/// The platform whose credentials a request has. Empty where none are asked for.
impl<S: Sync> FromRequestParts<S> for PlatformName {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let name = parts.extensions.get::<Self>().cloned();
        Ok(name.unwrap_or_else(|| Self("".into())))
    }
}

/// Credentials are documented for all operations at once.
impl OperationInput for PlatformName {}

pub(crate) async fn authenticate(
    State(credentials): State<Arc<Credentials>>,
    mut request: Request,
    next: Next,
) -> Response {
    let given = credentials.given_in(request.headers().get(header::AUTHORIZATION));
    let (platform, generation) = given.map_or(("unknown", "wrong"), |pair| (&*pair.whose, pair.generation));
    metrics::counter!(
        "broker_authentications_total", "platform" => platform.to_string(), "credentials" => generation
    )
    .increment(1);
    if let Some(pair) = given {
        let whose = PlatformName(pair.whose.clone());
        let seat = request.extensions().get::<Arc<Seat>>();
        if seat.is_some_and(|seat| !seat.hold()) {
            return OsbError::unavailable("Too many requests are in progress. Try again in a moment.").into_response();
        }
        tracing::Span::current().record("platform", &*whose.0);
        request.extensions_mut().insert(whose.clone());
        let mut response = next.run(request).await;
        response.extensions_mut().insert(whose);
        return response;
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

    fn login(username: &str, password: &str) -> Login {
        Login {
            username: username.into(),
            password: password.into(),
        }
    }

    #[test]
    fn only_the_exact_pairs_pass_and_tell_whose_they_are() {
        let platform = |name: &str, current, previous| Platform {
            name: name.into(),
            current,
            previous,
            dashboard_client: None,
        };
        let credentials = Credentials::new(&[
            // In the middle of a rotation, or never rotated: the same password twice.
            platform(
                "eu",
                login("user", "pass:word"),
                vec![login("old", "older"), login("user", "pass:word")],
            ),
            platform("us", login("user", "other"), vec![]),
        ]);
        let given = |header: Option<&HeaderValue>| {
            credentials
                .given_in(header)
                .map(|pair| (pair.whose.to_string(), pair.generation))
        };
        let passes = |scheme, pair| given(Some(&header(scheme, pair)));
        assert_eq!(passes("Basic", "user:pass:word"), Some(("eu".into(), "current")));
        assert_eq!(passes("bAsIc", "user:pass:word"), Some(("eu".into(), "current")));
        assert_eq!(passes("Basic", "old:older"), Some(("eu".into(), "previous")));
        assert_eq!(passes("Basic", "user:other"), Some(("us".into(), "current")));
        for wrong in [
            "user:pass",
            "User:pass:word",
            "user:pass:word ",
            "",
            ":",
            "user:older",
            "old:pass:word",
            "old:other",
        ] {
            assert_eq!(passes("Basic", wrong), None, "{wrong:?}");
        }
        assert_eq!(passes("Bearer", "user:pass:word"), None);
        assert_eq!(given(Some(&HeaderValue::from_static("Basic %%%"))), None);
        assert_eq!(given(None), None);
    }
}
