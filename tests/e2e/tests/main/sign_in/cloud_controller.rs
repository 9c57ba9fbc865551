//! Cloud Controller's two answers, by a table: where users sign in, and what the user of a token may see, which the provider says who it is.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum May {
    Nothing,
    Read,
    Manage,
}

pub(super) struct CloudController {
    pub(super) url: String,
    known: Arc<Known>,
}

struct Known {
    provider: String,
    /// By instance and user. An instance of which nothing is here is unknown.
    rights: Mutex<HashMap<String, HashMap<String, May>>>,
    is_down: AtomicBool,
    tokens: Mutex<Vec<String>>,
}

impl CloudController {
    /// One whose users sign in there.
    pub(super) async fn start(provider: &str) -> anyhow::Result<Self> {
        let known = Arc::new(Known {
            provider: provider.to_owned(),
            rights: Mutex::default(),
            is_down: AtomicBool::new(false),
            tokens: Mutex::default(),
        });
        let app = Router::new()
            .route("/", get(root))
            .route("/v3/service_instances/{guid}/permissions", get(permissions))
            .with_state(known.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { url, known })
    }

    pub(super) fn lets(&self, user: &str, instance: &str, may: May) {
        let mut rights = self.known.rights.lock().unwrap();
        rights
            .entry(instance.to_owned())
            .or_default()
            .insert(user.to_owned(), may);
    }

    pub(super) fn is_down(&self, is_down: bool) {
        self.known.is_down.store(is_down, Ordering::SeqCst);
    }

    /// The tokens that it was asked with.
    pub(super) fn tokens(&self) -> Vec<String> {
        self.known.tokens.lock().unwrap().clone()
    }
}

async fn root(State(known): State<Arc<Known>>) -> Json<Value> {
    let link = json!({"href": known.provider});
    Json(json!({"links": {"self": {"href": "x"}, "login": link, "uaa": link, "credhub": null}}))
}

async fn permissions(State(known): State<Arc<Known>>, Path(guid): Path<String>, headers: HeaderMap) -> Response {
    if known.is_down.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let Some(user) = user(&known, &headers).await else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let rights = known.rights.lock().unwrap();
    let Some(users) = rights.get(&guid) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let may = users.get(&user).copied().unwrap_or(May::Nothing);
    Json(json!({"read": may != May::Nothing, "manage": may == May::Manage})).into_response()
}

/// By the provider's word: only a token with the scope has the claim.
async fn user(known: &Known, headers: &HeaderMap) -> Option<String> {
    let token = headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")?;
    known.tokens.lock().unwrap().push(token.to_owned());
    let asked = reqwest::Client::new()
        .get(format!("{}/me", known.provider))
        .bearer_auth(token);
    let claims: Value = asked.send().await.ok()?.json().await.ok()?;
    (claims["may_ask"] == true).then_some(claims["sub"].as_str()?.to_owned())
}
