//! `/i/{id}/{token}`, what is below it, and `/assets/{name}`; with sign-in the same below `/s/{platform}/{id}`, and `/sign-in/done/{platform}`. They
//! need no password; every answer has the headers.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use serde::Deserialize;

use crate::app::limit_time;
use crate::http::to_the_end::to_the_end;
use crate::osbapi::Broker;
use crate::page::access::{By, Opened};
use crate::page::refusal::Refusal;
use crate::page::sign_in::done;
use crate::page::view::Visit;
use crate::page::{assets, check, headers, limit, live, outside, press, view};

/// The app with the routes of status pages, if there are pages.
pub(crate) fn mounted(app: Router<Arc<Broker>>, broker: &Arc<Broker>) -> Router<Arc<Broker>> {
    if broker.pages.is_none() {
        return app;
    }
    let assets = Router::new().route("/{name}", get(assets::asset));
    // Neither the routes nor the fallback of a nested router have its prefix with a slash behind it.
    let bare = Router::new().route("/i/", any(nothing)).route("/assets/", any(nothing));
    let app = app
        .nest("/i", closed(below("/{id}/{token}"), broker))
        .nest("/assets", closed(assets, broker))
        .merge(guarded(bare, broker));
    let signs_in = broker.pages.as_ref().is_some_and(|pages| pages.sign_in.is_some());
    if !signs_in {
        return app;
    }
    let done = Router::new().route("/done/{platform}", get(done::done));
    let bare = Router::new()
        .route("/s/", any(nothing))
        .route("/sign-in/", any(nothing));
    app.nest("/s", closed(below("/{platform}/{id}"), broker))
        .nest("/sign-in", closed(done, broker))
        .merge(guarded(bare, broker))
}

/// A page at this path, and what is below it.
fn below(path: &str) -> Router<Arc<Broker>> {
    // There is nothing to read where a form leads.
    let most = || DefaultBodyLimit::max(press::MOST_BYTES);
    let check = get(nothing).post(check::check).layer(most());
    let outside = get(nothing).post(outside::outside).layer(most());
    Router::new()
        .route(path, get(page))
        .route(&format!("{path}/check"), check)
        .route(&format!("{path}/outside"), outside)
        .route(&format!("{path}/live"), get(live::live))
        .route(&format!("{path}/{{file}}"), get(file))
        .layer(from_fn(to_the_end))
}

/// With an answer to whatever else is below the same prefix.
fn closed(routes: Router<Arc<Broker>>, broker: &Arc<Broker>) -> Router<Arc<Broker>> {
    let routes = routes
        .method_not_allowed_fallback(async || Refusal::NoSuchMethod)
        .fallback(nothing);
    guarded(routes, broker)
}

fn guarded(routes: Router<Arc<Broker>>, broker: &Arc<Broker>) -> Router<Arc<Broker>> {
    routes
        .layer(from_fn_with_state(broker.clone(), limit::limit))
        .layer(from_fn(limit_time))
        // Outermost, so that every answer has them, including refusals.
        .layer(from_fn(headers::secure))
}

async fn nothing() -> Refusal {
    Refusal::NotFound
}

async fn page(
    State(broker): State<Arc<Broker>>,
    opened: Opened,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let pages = broker.pages.as_ref().ok_or(Refusal::NotFound)?;
    let visit = Visit {
        base: &opened.base,
        form_token: opened
            .by
            .may_ask()
            .then(|| pages.links.form_token(&opened.id, opened.by.number(), opened.now)),
        is_signed_in: matches!(opened.by, By::SignIn { .. }),
        outcome: query.as_deref().and_then(check::Outcome::told_by),
        outside: query.as_deref().and_then(outside::Outcome::told_by),
    };
    let page = view::page(&broker, &opened.id, visit).await?;
    pages.room.answer(page.ok_or(Refusal::NotFound)?)
}

/// What is below a page, by its name.
#[derive(Deserialize)]
struct Below {
    file: String,
}

/// The records to set, in the form that a tool reads: a file to save.
async fn file(
    State(broker): State<Arc<Broker>>,
    opened: Opened,
    path: Result<Path<Below>, PathRejection>,
) -> Result<Response, Refusal> {
    let Ok(Path(Below { file })) = path else {
        return Err(Refusal::NotFound);
    };
    let form = file.strip_prefix("records.").ok_or(Refusal::NotFound)?;
    let records = view::records(&broker, &opened.id, form).await?;
    let (content_type, records) = records.ok_or(Refusal::NotFound)?;
    let saved_as = HeaderValue::try_from(format!("attachment; filename=\"{file}\"")).map_err(|_| Refusal::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CONTENT_DISPOSITION, saved_as),
    ];
    Ok((headers, records).into_response())
}
