//! Who has signed in to see an instance's page. Everybody else is sent to the platform, whether there is such an instance or not: so
//! nobody learns that from the broker.

use std::time::Duration;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Redirect, Response};
use oauth2::CsrfToken;
use page_keys::Session;
use tokio::time::timeout;

use super::cloud_controller::{Trouble, may_be_a_guid};
use super::{SignIn, cookies, now};
use crate::page::Pages;
use crate::page::refusal::Refusal;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// The bytes of the number at random that a browser keeps, and of a state's.
const BROWSER_BYTES: u32 = 32;
const NONCE_BYTES: u32 = 16;

/// A browser that is sent to the platform.
pub(crate) struct ToPlatform {
    address: String,
    /// What it has to bring back, unless it has it already.
    cookie: Option<HeaderValue>,
}

/// Why a request that has not signed in sees no page.
pub(crate) enum SignedOut {
    /// It can't.
    Refused(Refusal),
    /// It has to sign in.
    Sent(ToPlatform),
}

impl IntoResponse for ToPlatform {
    fn into_response(self) -> Response {
        let mut response = Redirect::to(&self.address).into_response();
        if let Some(cookie) = self.cookie {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        response
    }
}

/// What the request may see of this instance, if it has signed in, and for how long.
pub(crate) async fn session(
    pages: &Pages,
    parts: &Parts,
    platform: &str,
    instance: &str,
) -> Result<(Session, Duration), SignedOut> {
    let not_found = || SignedOut::Refused(Refusal::NotFound);
    let sign_in = pages.sign_in.as_ref().ok_or_else(not_found)?;
    if sign_in.peer(platform).is_none() || !may_be_a_guid(instance) {
        return Err(not_found());
    }
    let now = now();
    let cookie = cookies::sent(&parts.headers, &cookies::of_page(platform, instance));
    let session = cookie.and_then(|cookie| pages.links.session_of(platform, instance, cookie, now));
    if let Some(session) = session {
        let left = u64::try_from(session.until.saturating_sub(now)).unwrap_or_default();
        return Ok((session, Duration::from_secs(left)));
    }
    if !is_a_visit(parts) {
        return Err(SignedOut::Refused(Refusal::SignedOut));
    }
    let sent = sent_to_platform(pages, sign_in, &parts.headers, (platform, instance));
    Err(sent.await.map_or_else(SignedOut::Refused, SignedOut::Sent))
}

/// Whether somebody follows a link. What the page's own script asks for, and a form that is sent, can't be led elsewhere: the page's policy
/// forbids it. Browsers that don't say what it is (W3C, Fetch Metadata Request Headers) mean a visit.
fn is_a_visit(parts: &Parts) -> bool {
    let mode = parts.headers.get("sec-fetch-mode");
    matches!(parts.method, Method::GET | Method::HEAD) && mode.is_none_or(|mode| mode.as_bytes() == b"navigate")
}

async fn sent_to_platform(
    pages: &Pages,
    sign_in: &SignIn,
    headers: &HeaderMap,
    (platform, instance): (&str, &str),
) -> Result<ToPlatform, Refusal> {
    let Ok(Ok(_turn)) = timeout(PATIENCE, sign_in.turns.acquire()).await else {
        return Err(Refusal::Busy);
    };
    let peer = sign_in.peer(platform).ok_or(Refusal::NotFound)?;
    let known = cookies::sent(headers, cookies::BROWSER).filter(|browser| is_at_random(browser));
    let (browser, cookie) = match known {
        Some(browser) => (browser.to_owned(), None),
        None => {
            let browser = CsrfToken::new_random_len(BROWSER_BYTES).secret().clone();
            let cookie = cookies::kept(cookies::BROWSER, &browser, None);
            (browser, cookie)
        }
    };
    let nonce = CsrfToken::new_random_len(NONCE_BYTES);
    let (state, verifier) = pages
        .links
        .sign_in_state(platform, instance, &browser, nonce.secret(), now());
    let address = peer.address(state, verifier).await;
    let address = address.map_err(|trouble| silent(platform, &trouble))?;
    Ok(ToPlatform { address, cookie })
}

/// Whether it is as those are that are made here.
fn is_at_random(browser: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    // 32 bytes in base64 without padding.
    browser.len() == 43 && browser.bytes().all(is_plain)
}

/// Why nobody can sign in, for the operator; and what the browser is told.
pub(super) fn silent(platform: &str, trouble: &Trouble) -> Refusal {
    tracing::warn!(
        platform,
        why = trouble.to_string(),
        "nobody can sign in to a status page: the platform does not say who comes, or what they may see"
    );
    Refusal::Silent
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[test]
    fn only_who_follows_a_link_is_led_elsewhere() {
        let is_visit = |method: &str, mode: Option<&str>| {
            let mut request = Request::builder().method(method).uri("/s/cf/i1");
            if let Some(mode) = mode {
                request = request.header("sec-fetch-mode", mode);
            }
            is_a_visit(&request.body(()).unwrap().into_parts().0)
        };
        assert!(is_visit("GET", None) && is_visit("GET", Some("navigate")) && is_visit("HEAD", None));
        for (method, mode) in [
            ("POST", None),
            ("POST", Some("navigate")),
            ("GET", Some("cors")),
            ("GET", Some("same-origin")),
            ("GET", Some("no-cors")),
            ("GET", Some("")),
        ] {
            assert!(!is_visit(method, mode), "{method} {mode:?}");
        }
    }

    #[test]
    fn a_browser_is_known_by_what_was_made_here() {
        let made = CsrfToken::new_random_len(BROWSER_BYTES).secret().clone();
        assert!(is_at_random(&made), "{made}");
        for odd in [
            "",
            "1",
            &made[1..],
            &format!("{made}a"),
            &made.replacen(|_: char| true, ".", 1),
        ] {
            assert!(!is_at_random(odd), "{odd}");
        }
    }
}
