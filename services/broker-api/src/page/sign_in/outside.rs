//! Requests to a platform. Each has a time limit, redirects are not followed, and an answer is read up to a size.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use telemetry::Call;
use tls::{Check, Roots, TrustError, client_config};
use tokio::time::timeout;

/// The time limit of a request, including its answer. A sign-in makes four of them at most, which fit into the limit of the browser's.
const LIMIT: Duration = Duration::from_secs(8);
const CONNECT_LIMIT: Duration = Duration::from_secs(4);
/// The most bytes of an answer: a token of UAA has some kilobytes.
const MOST_BYTES: usize = 256 * 1024;
const AGENT: &str = concat!("cdn-broker/", env!("CARGO_PKG_VERSION"));

/// Why there is no answer. Says nothing of what was sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreached {
    /// No connection, or it broke.
    #[error("it can't be reached: {0}")]
    Lost(String),
    #[error("it has not answered within {} s", LIMIT.as_secs())]
    Late,
    #[error("its answer breaks off, or has over {} bytes", MOST_BYTES)]
    Unreadable,
}

/// What makes requests to one platform. Clones share its connections.
#[derive(Clone)]
pub(super) struct Outside {
    hyper: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Outside {
    /// Trusts these CAs.
    pub(super) fn new(roots: &Roots) -> Result<Self, TrustError> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_LIMIT));
        tcp.enforce_http(false);
        // Which addresses may have no TLS, whoever makes a request has seen: this machine's.
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(client_config(Check::Full, roots, None)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let hyper = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(connector);
        Ok(Self { hyper })
    }

    /// The answer to a request, whatever its status. `operation`: what it is for.
    pub(super) async fn send(
        &self,
        operation: &'static str,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, Unreached> {
        request
            .headers_mut()
            .insert(header::USER_AGENT, HeaderValue::from_static(AGENT));
        let call = Call::begin("platform", operation);
        let answer = match timeout(LIMIT, self.round_trip(request)).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(Unreached::Late),
        };
        match &answer {
            Ok(answer) => call.ended(answer.status().as_str()),
            Err(Unreached::Late) => call.ended("timeout"),
            Err(Unreached::Lost(_)) => call.ended("lost"),
            Err(Unreached::Unreadable) => call.ended("broken-off"),
        }
        answer
    }

    async fn round_trip(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Unreached> {
        let answer = self.hyper.request(request).await;
        let (head, body) = answer
            .map_err(|error| Unreached::Lost(telemetry::with_causes(&error)))?
            .into_parts();
        let body = Limited::new(body, MOST_BYTES).collect().await;
        let body = body.map_err(|_broken| Unreached::Unreadable)?.to_bytes();
        Ok(Response::from_parts(head, body))
    }
}
