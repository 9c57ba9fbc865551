//! A press of a button on a page: a form. These are the only things on a page that change anything, so a form has to come from the page
//! itself: by what the browser says, and by a token that only the page has.

use axum::Form;
use axum::extract::{FromRequest as _, Request};
use axum::http::{HeaderMap, header};
use page_keys::Links;
use serde::Deserialize;
use tokio::time::timeout;

use crate::osbapi::Broker;
use crate::page::access::{Opened, Signed};
use crate::page::refusal::Refusal;

/// The most bytes of a form: a domain's name or a path, and a token.
pub(super) const MOST_BYTES: usize = 4_096;

/// What came of a press, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) words: &'static str,
    /// What was asked for is on the page soon.
    pub(crate) is_awaited: bool,
}

/// What a form contains beside its token; each form has one of them.
#[derive(Deserialize)]
pub(super) struct Fields {
    /// Of "Check now".
    #[serde(default)]
    pub(super) domain: String,
    /// Of the check from outside.
    #[serde(default)]
    pub(super) echo: String,
    form: String,
}

/// A form that came from the page itself, of a link that is alive.
pub(super) struct Press {
    pub(super) opened: Opened,
    pub(super) fields: Fields,
}

impl Press {
    /// Reads the form. The link is alive, or else every answer is the same.
    pub(super) async fn read(broker: &Broker, signed: Signed, request: Request) -> Result<Self, Refusal> {
        let pages = broker.pages.as_ref().ok_or(Refusal::NotFound)?;
        let is_from_the_page = is_from_the_page(request.headers(), &pages.links);
        // It is nobody's turn while a body is on its way.
        let read = timeout(broker.body_timeout, Form::<Fields>::from_request(request, &())).await;
        // Whether the link is alive comes first, so that every other answer is for those only who may see the page.
        let opened = signed.open(broker).await?;
        let Some(Form(fields)) = read.ok().and_then(Result::ok).filter(|_| is_from_the_page) else {
            return Err(Refusal::Foreign);
        };
        if !opened.by.may_ask() {
            return Err(Refusal::OnlyManagers);
        }
        if !pages
            .links
            .is_form_token(&opened.id, opened.by.number(), &fields.form, opened.now)
        {
            return Err(Refusal::Foreign);
        }
        Ok(Self { opened, fields })
    }
}

/// Whether a browser says that the request comes from a page of this address. `Origin` alone doesn't tell: pages have
/// `Referrer-Policy: no-referrer`, with which browsers send `Origin: null` with a form (WHATWG Fetch, "append a request `Origin` header").
/// Browsers that don't send `Sec-Fetch-Site`, or not without TLS, have to name the origin.
fn is_from_the_page(headers: &HeaderMap, links: &Links) -> bool {
    match headers.get("sec-fetch-site") {
        Some(site) => site.as_bytes() == b"same-origin",
        None => {
            let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
            origin.is_some_and(|origin| links.has_origin(origin))
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use clap::Parser as _;
    use page_keys::PageArgs;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        pages: PageArgs,
    }

    fn links() -> Links {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").unwrap();
        let keys = format!("--page-keys-file={}", file.path().display());
        let line = Line::parse_from(["test", "--pages-url=https://broker.example.com", &keys]);
        line.pages.links().unwrap().unwrap()
    }

    #[test]
    fn only_what_a_browser_sends_from_the_page_is_believed() {
        let links = links();
        let believed = |sent: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for &(name, value) in sent {
                headers.insert(name, HeaderValue::from_static(value));
            }
            is_from_the_page(&headers, &links)
        };
        let (here, null) = (("origin", "https://broker.example.com"), ("origin", "null"));
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
            &[("origin", "http://broker.example.com")],
            &[("sec-fetch-site", "cross-site"), null],
            &[("sec-fetch-site", "same-site"), here],
            &[("sec-fetch-site", "none"), here],
            &[("sec-fetch-site", ""), here],
        ] {
            assert!(!believed(sent), "{sent:?}");
        }
    }
}
