//! The origin server: the customer's web server, which may redirect challenges to the broker.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::origin_tls::TlsListener;

/// The server in this process.
#[derive(Clone, Default)]
pub(crate) struct Origin {
    /// Host (without port) → URL prefix.
    redirects: Arc<Mutex<BTreeMap<String, String>>>,
}

#[derive(Deserialize)]
struct Redirect {
    host: String,
    to: Option<String>,
}

impl Origin {
    /// Serves at `address` and by TLS with `tls`; accepts `POST /redirect {"host","to"}` at `control`.
    pub(crate) async fn start(&self, address: SocketAddr, tls: TlsListener, control: SocketAddr) -> anyhow::Result<()> {
        let site = Router::new()
            .route("/.well-known/acme-challenge/{token}", any(challenge))
            .fallback(echo)
            .with_state(self.clone());
        let admin = Router::new()
            .route("/redirect", post(set_redirect))
            .with_state(self.clone());
        let by_tls = site.clone();
        tokio::spawn(async move { axum::serve(tls, by_tls).await });
        for (at, router) in [(address, site), (control, admin)] {
            let listener = TcpListener::bind(at).await.with_context(|| format!("origin at {at}"))?;
            tokio::spawn(async move { axum::serve(listener, router).await });
        }
        Ok(())
    }

    /// Redirects challenges at `host` to `to` + token; `None`: 404 again.
    pub(crate) fn redirect(&self, host: &str, to: Option<String>) {
        let host = host.to_ascii_lowercase();
        match to {
            Some(to) => self.redirects().insert(host, to),
            None => self.redirects().remove(&host),
        };
    }

    fn redirects(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.redirects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn set_redirect(State(origin): State<Origin>, Json(redirect): Json<Redirect>) -> StatusCode {
    origin.redirect(&redirect.host, redirect.to);
    StatusCode::NO_CONTENT
}

async fn challenge(State(origin): State<Origin>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let host = host(&headers);
    let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
    let to = origin.redirects().get(&name.to_ascii_lowercase()).cloned();
    match to {
        Some(to) => (StatusCode::FOUND, [(header::LOCATION, format!("{to}{token}"))]).into_response(),
        None => (StatusCode::NOT_FOUND, "the origin knows no such challenge\n").into_response(),
    }
}

async fn echo(request: Request) -> Json<Value> {
    let headers = request.headers();
    let mut received = BTreeMap::<&str, Vec<_>>::new();
    for (name, value) in headers {
        received
            .entry(name.as_str())
            .or_default()
            .push(String::from_utf8_lossy(value.as_bytes()));
    }
    let received: BTreeMap<_, _> = received
        .into_iter()
        .map(|(name, values)| (name, values.join(", ")))
        .collect();
    Json(json!({
        "message": "hello from the origin",
        "method": request.method().as_str(),
        "host": host(headers),
        "path": request.uri().path(),
        "query": request.uri().query(),
        "headers": received,
    }))
}

fn host(headers: &HeaderMap) -> String {
    headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}
