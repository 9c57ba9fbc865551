//! An answer that goes on for as long as its reader stays: events of a live page.
//!
//! Its connection is at work until the body ends, and belongs to the client that asked for it. It is no reason not to end: its body ends
//! when the process is asked to, and when its seat is given to another connection. A reader that takes nothing is cut off as of
//! every other answer ([`Paced`](crate::http::write_timeout::Paced)).

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::response::Response;
use hyper::body::Frame;
use tokio_util::sync::CancellationToken;

use crate::http::hops::Client;
use crate::http::seats::Seat;
use crate::http::write_timeout::Pulse;

/// Says of a response, as an extension, that it is such an answer.
#[derive(Clone, Copy)]
pub(crate) struct Streaming;

/// A connection that answers a request. When the answer is over, the connection waits for its peer's next request.
pub(crate) struct AtWork {
    seat: Arc<Seat>,
    pulse: Arc<Pulse>,
    peer: IpAddr,
    /// The peer is no hop.
    limited: bool,
}

impl AtWork {
    pub(crate) fn new(seat: Arc<Seat>, pulse: Arc<Pulse>, peer: IpAddr, limited: bool) -> Self {
        Self {
            seat,
            pulse,
            peer,
            limited,
        }
    }

    /// The answer, with this as long as it takes: of one that goes on, until its body has ended.
    pub(crate) fn until_the_end_of(self, mut answer: Response, ending: CancellationToken) -> Response {
        match answer.extensions_mut().remove::<Streaming>() {
            Some(Streaming) => answer.map(|body| Body::new(Stream::new(body, self, ending))),
            None => answer,
        }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.seat.wait(Client::from(self.peer), self.limited);
        self.pulse.idle();
    }
}

/// The body of an answer that goes on.
struct Stream {
    body: Body,
    /// Resolves when it is to end. `None`: it has.
    end: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    _at_work: AtWork,
}

impl Stream {
    fn new(body: Body, at_work: AtWork, ending: CancellationToken) -> Self {
        let seat = at_work.seat.clone();
        let end = async move {
            tokio::select! {
                () = seat.given_away() => {}
                () = ending.cancelled() => {}
            }
        };
        Self {
            body,
            end: Some(Box::pin(end)),
            _at_work: at_work,
        }
    }
}

impl hyper::body::Body for Stream {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(end) = &mut self.end else {
            return Poll::Ready(None);
        };
        if end.as_mut().poll(context).is_ready() {
            self.end = None;
            return Poll::Ready(None);
        }
        Pin::new(&mut self.body).poll_frame(context)
    }
}

#[cfg(test)]
mod tests;
