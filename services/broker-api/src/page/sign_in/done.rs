//! `/sign-in/done/{platform}`: where a platform sends browsers back (RFC 6749 §4.1.2), with a code that is good once. What was begun with another
//! platform is refused before anybody is shown the code: else that one could have sent the browser here, to get it (RFC 9700 §4.4).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use page_keys::{Session, signed_in_path};
use serde::Deserialize;
use tokio::time::timeout;

use super::access::silent;
use super::cloud_controller::Trouble;
use super::peer::Code;
use super::{cookies, now};
use crate::osbapi::Broker;
use crate::page::refusal::Refusal;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the browser brings. An `error` (the user has declined, RFC 6749 §4.1.2.1) is no code.
#[derive(Deserialize)]
pub(in crate::page) struct Brought {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
}

pub(in crate::page) async fn done(
    State(broker): State<Arc<Broker>>,
    from: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    brought: Result<Query<Brought>, QueryRejection>,
) -> Result<Response, Refusal> {
    let pages = broker.pages.as_ref().ok_or(Refusal::NotFound)?;
    let sign_in = pages.sign_in.as_ref().ok_or(Refusal::NotFound)?;
    let Path(from) = from.map_err(|_odd| Refusal::NotFound)?;
    if sign_in.peer(&from).is_none() {
        return Err(Refusal::NotFound);
    }
    let Ok(Query(Brought { state, code, iss })) = brought else {
        return Err(Refusal::NotSignedIn);
    };
    let browser = cookies::sent(&headers, cookies::BROWSER).ok_or(Refusal::NotSignedIn)?;
    let begun = state.and_then(|state| pages.links.sign_in_begun(&state, browser, now()));
    let begun = begun.filter(|begun| begun.platform == from);
    let (Some(begun), Some(code)) = (begun, code) else {
        return Err(Refusal::NotSignedIn);
    };
    let (platform, instance) = (begun.platform.clone(), begun.instance.clone());
    let peer = sign_in.peer(&platform).ok_or(Refusal::NotFound)?;
    let right = {
        let Ok(Ok(_turn)) = timeout(PATIENCE, sign_in.turns.acquire()).await else {
            return Err(Refusal::Busy);
        };
        peer.right(begun, Code { code, issuer: iss }).await
    };
    let right = match right {
        Ok(right) => right.ok_or(Refusal::NotFound)?,
        Err(Trouble::Code) => return Err(Refusal::NotSignedIn),
        Err(trouble) => return Err(silent(&platform, &trouble)),
    };
    let until = now().saturating_add(sign_in.lifetime.as_secs().try_into().unwrap_or_default());
    let session = pages.links.session(&platform, &instance, Session { right, until });
    let name = cookies::of_page(&platform, &instance);
    let cookie = cookies::kept(&name, &session, Some(sign_in.lifetime)).ok_or(Refusal::Broken)?;
    let to_page = Redirect::to(&signed_in_path(&platform, &instance));
    Ok(([(header::SET_COOKIE, cookie)], to_page).into_response())
}
