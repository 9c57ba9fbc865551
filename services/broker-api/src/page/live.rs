//! `GET /i/{id}/{token}/live` (and below `/s/{platform}/{id}`): what changes on a page, as server-sent events (WHATWG HTML, "Server-sent events").
//!
//! - [`hub`]: which pages are open, and for how many readers; the limits.
//! - [`follow`]: one connection of the process to PostgreSQL, on which changes of open pages are notified.
//! - [`keep`]: one task for each open page, which reads and renders it when it has changed, for all of its readers.
//! - [`pieces`]: the page, cut into what is sent.
//! - [`tell`]: one task for each reader, which sends what has changed since it last could.

mod follow;
pub(crate) mod hub;
mod keep;
pub(super) mod pieces;
mod tell;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Frame;
use tokio::sync::mpsc;

use self::hub::Entered;
use self::keep::{Keeping, keep};
use crate::http::hops::Client;
use crate::http::streaming::Streaming;
use crate::osbapi::Broker;
use crate::page::access::{By, Opened, Signed};
use crate::page::refusal::Refusal;

/// Events that wait for their reader: when it reads on, the newest is made.
const WAITING: usize = 1;

/// The events that are sent to one reader.
struct Events(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(context)
            .map(|event| event.map(|event| Ok(Frame::data(event))))
    }
}

pub(super) async fn live(
    State(broker): State<Arc<Broker>>,
    signed: Signed,
    request: Request,
) -> Result<Response, Refusal> {
    let client = request.extensions().get::<Client>().copied();
    let Opened { id, by, base, left, .. } = signed.open(&broker).await?;
    let pages = broker.pages.as_ref().ok_or(Refusal::NotFound)?;
    let key = key(&base, &by);
    let Entered { reader, first } = pages.live.enter(&key, &id, client).ok_or(Refusal::Crowded)?;
    if let Some(first) = first {
        let keeping = Keeping {
            key,
            base,
            instance: id,
            by,
            first,
        };
        tokio::spawn(keep(broker.clone(), keeping));
    }
    let (sender, events) = mpsc::channel(WAITING);
    tokio::spawn(tell::tell(reader, sender, left));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        // nginx would collect events (ngx_http_proxy_module, `proxy_buffering`).
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    let mut answer = (headers, Body::new(Events(events))).into_response();
    answer.extensions_mut().insert(Streaming);
    Ok(answer)
}

/// What is shown alike to all who have it: who may only look has a page without buttons.
fn key(base: &str, by: &By) -> String {
    match by.may_ask() {
        true => base.to_owned(),
        false => format!("{base} without buttons"),
    }
}
