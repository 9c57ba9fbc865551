//! Who asks: HTTP basic authentication (RFC 7617) for everything that is served here, and a limit on guesses.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::http::seats::Seat;
use crate::operator::OperatorPage;
use crate::operator::refusal::Refusal;

/// How many wrong passwords a client may send in a minute, after as many at once. Beyond that the right one is refused, too: else the limit
/// would not hold anybody up who guesses.
pub(super) const FAILURES_A_MINUTE: NonZeroU32 = match NonZeroU32::new(10) {
    Some(times) => times,
    None => NonZeroU32::MIN,
};

/// The name of the person who asks.
#[derive(Debug, Clone)]
pub(super) struct Who(pub(super) Arc<str>);

pub(super) async fn login(State(page): State<Arc<OperatorPage>>, mut request: Request, next: Next) -> Response {
    let seat = request.extensions().get::<Arc<Seat>>();
    // A hop that names no client is one: else whoever guesses behind it would lock everybody out behind all others.
    let client = seat.and_then(|seat| seat.client());
    if !page.failures.has_room(client, Instant::now()) {
        return Refusal::TooManyFailures.into_response();
    }
    let given = request.headers().get(header::AUTHORIZATION);
    let Some(pair) = page.people.given_in(given) else {
        // A browser's first request has none.
        if given.is_some() {
            page.failures.admits(client, Instant::now());
            tracing::warn!(?client, "a wrong name or password for the operator's page");
        }
        return Refusal::Unknown.into_response();
    };
    let who = Who(pair.whose.clone());
    if seat.is_some_and(|seat| !seat.hold()) {
        return Refusal::Busy.into_response();
    }
    request.extensions_mut().insert(who);
    next.run(request).await
}
