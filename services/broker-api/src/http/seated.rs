//! The requests of one connection, with the seat that the connection occupies.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use tokio_util::sync::CancellationToken;

use crate::http::hops::Client;
use crate::http::limits::Limits;
use crate::http::seats::Seat;
use crate::http::streaming::AtWork;
use crate::http::write_timeout::Pulse;

/// The app, wrapped for one connection.
pub(crate) struct Seated {
    app: TowerToHyperService<Router>,
    peer: IpAddr,
    limits: Arc<Limits>,
    seat: Arc<Seat>,
    pulse: Arc<Pulse>,
    /// The process is asked to end.
    ending: CancellationToken,
}

impl Seated {
    pub(crate) fn new(
        app: Router,
        peer: IpAddr,
        limits: Arc<Limits>,
        seat: Arc<Seat>,
        pulse: Arc<Pulse>,
        ending: CancellationToken,
    ) -> Self {
        Self {
            app: TowerToHyperService::new(app),
            peer,
            limits,
            seat,
            pulse,
            ending,
        }
    }
}

impl Service<Request<Incoming>> for Seated {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.pulse.at_work();
        // Only the request's headers tell which client a router's connection serves.
        let client = self.limits.trusted_hops.client(self.peer, request.headers());
        // Without the per-client limit: the router may name a load balancer. When all seats are taken, though, the
        // client with the most connections loses one.
        self.seat.wait(Client::from(client.unwrap_or(self.peer)), false);
        request.extensions_mut().insert(self.seat.clone());
        if let Some(client) = client {
            request.extensions_mut().insert(Client::from(client));
        }
        let answer = self.app.call(request);
        let (seat, pulse, ending) = (self.seat.clone(), self.pulse.clone(), self.ending.clone());
        let (peer, is_hop) = (self.peer, self.limits.trusted_hops.has(self.peer));
        Box::pin(async move {
            let answer = tokio::select! {
                biased;
                answer = answer => answer,
                () = seat.given_away() => return Ok(given_away()),
            };
            let at_work = AtWork::new(seat, pulse, peer, !is_hop);
            answer.map(|answer| at_work.until_the_end_of(answer, ending))
        })
    }
}

/// The response to a request without a password, or whose password was not checked yet, when the seat is reassigned. The request may
/// have been a browser's, for a page whose address is a secret.
fn given_away() -> Response {
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
        ),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CONNECTION, HeaderValue::from_static("close")),
        (header::RETRY_AFTER, HeaderValue::from_static("1")),
    ];
    let text = "too many requests at once; try again in a second";
    (StatusCode::SERVICE_UNAVAILABLE, headers, text).into_response()
}
