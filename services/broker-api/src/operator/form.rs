//! Whether a form is one of the operator's page, and its sender's own. Browsers send the password with every request, whoever's page made
//! them send it, so a password alone says nothing of that.

use axum::http::{HeaderMap, HeaderName, header};
use page_keys::PageKeys;

use crate::operator::action::Action;

/// What a form says: its token is good for nothing else.
pub(super) struct Says<'s> {
    pub(super) who: &'s str,
    pub(super) action: Action,
    pub(super) instance: &'s str,
    /// The operation or the domain; empty where the instance says it all.
    pub(super) subject: &'s str,
}

impl Says<'_> {
    fn texts(&self) -> [&str; 4] {
        [self.who, self.action.name(), self.instance, self.subject]
    }

    pub(super) fn token(&self, keys: &PageKeys, now: i64) -> String {
        keys.operator_token(&self.texts(), now)
    }

    pub(super) fn has(&self, keys: &PageKeys, token: &str, now: i64) -> bool {
        keys.is_operator_token(&self.texts(), token, now)
    }
}

/// Whether a browser says that the request comes from a page of this address. Browsers that don't send `Sec-Fetch-Site`, or not without TLS,
/// have to name the host as origin; with `Referrer-Policy: no-referrer` most of them send `null` (WHATWG Fetch, "append a request `Origin`
/// header"), and are refused.
pub(super) fn is_from_the_page(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site.as_bytes() == b"same-origin";
    }
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(origin), Some(host)) = (text(header::ORIGIN), text(header::HOST)) else {
        return false;
    };
    let authority = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_what_a_browser_sends_from_the_page_is_believed() {
        let believed = |sent: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            headers.insert("host", HeaderValue::from_static("ops.example.com:8081"));
            for &(name, value) in sent {
                headers.insert(name, HeaderValue::from_static(value));
            }
            is_from_the_page(&headers)
        };
        let (here, null) = (("origin", "https://ops.example.com:8081"), ("origin", "null"));
        for sent in [
            &[("sec-fetch-site", "same-origin"), null][..],
            &[("sec-fetch-site", "same-origin")],
            &[here],
        ] {
            assert!(believed(sent), "{sent:?}");
        }
        for sent in [
            &[][..],
            &[null],
            &[("origin", "https://evil.example")],
            &[("origin", "https://ops.example.com")],
            &[("origin", "ops.example.com:8081")],
            &[("sec-fetch-site", "cross-site"), here],
            &[("sec-fetch-site", "same-site"), here],
            &[("sec-fetch-site", "none"), here],
            &[("sec-fetch-site", ""), here],
        ] {
            assert!(!believed(sent), "{sent:?}");
        }
    }
}
