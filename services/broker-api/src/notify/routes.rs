//! `/notify/{token}`. It needs no password: whoever has the link acts for the address that it was sent to. Every answer has the headers of pages.

use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Html;
use axum::routing::get;
use notices::{Link, Purpose};
use tokio::time::timeout;

use crate::app::limit_time;
use crate::notify::asked::{self, Asked, MOST_BYTES};
use crate::notify::refusal::Refusal;
use crate::notify::view;
use crate::osbapi::Broker;
use crate::page::{headers, limit};

/// The app with the route of mails' links, if there are mails.
pub(crate) fn mounted(app: Router<Arc<Broker>>, broker: &Arc<Broker>) -> Router<Arc<Broker>> {
    if broker.notices.is_none() {
        return app;
    }
    let links = Router::new()
        .route("/{token}", get(asks).post(used))
        .method_not_allowed_fallback(async || Refusal::NoSuchMethod)
        .fallback(async || Refusal::NotFound)
        .layer(from_fn_with_state(broker.clone(), limit::limit))
        .layer(from_fn(limit_time))
        // Outermost, so that every answer has them, including refusals.
        .layer(from_fn(headers::secure));
    app.nest("/notify", links)
}

/// The link that one of the keys has signed. Whether it is still good, the database knows.
fn signed(broker: &Broker, path: Result<Path<String>, PathRejection>) -> Result<Link, Refusal> {
    let ring = broker.notices.as_ref().ok_or(Refusal::NotFound)?;
    let Path(token) = path.map_err(|_| Refusal::NotFound)?;
    ring.keys().verified(&token).ok_or(Refusal::NotFound)
}

/// The page that asks. Nothing is changed.
async fn asks(
    State(broker): State<Arc<Broker>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Html<String>, Refusal> {
    let link = signed(&broker, path)?;
    let opened = broker.store.notice_link(&link).await?.ok_or(Refusal::NotFound)?;
    view::asks(link.purpose, &opened)
}

/// A press of a button there, or a mail reader's own.
async fn used(
    State(broker): State<Arc<Broker>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Html<String>, Refusal> {
    let link = signed(&broker, path)?;
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let content_type = content_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let body = timeout(broker.body_timeout, to_bytes(request.into_body(), MOST_BYTES)).await;
    let body = body.ok().and_then(Result::ok).ok_or(Refusal::Unreadable)?;
    let wish = Asked::read(&content_type, &body).ok_or(Refusal::Unreadable)?;
    let opened = match (wish, link.purpose) {
        (Asked::Confirm, Purpose::Confirm) => broker.store.confirm_notices(&link).await?,
        (Asked::Leave, Purpose::Leave) => broker.store.leave_notices(&link).await?,
        (Asked::LeaveOne, Purpose::Leave) => {
            let instance = asked::instance(&body).ok_or(Refusal::Unreadable)?;
            broker.store.leave_notices_of(&link, &instance).await?
        }
        (Asked::Never, _) => broker.store.suppress_notices(&link).await?,
        (Asked::Confirm, Purpose::Leave) | (Asked::Leave | Asked::LeaveOne, Purpose::Confirm) => {
            // Of a link that nobody has there is one answer.
            broker.store.notice_link(&link).await?.ok_or(Refusal::NotFound)?;
            return Err(Refusal::Unreadable);
        }
    };
    let opened = opened.ok_or(Refusal::NotFound)?;
    tracing::info!(
        recipient = %link.recipient, address = opened.shortened, asked = wish.name(), "an address says what it wants"
    );
    view::done(&opened)
}
