//! `POST /i/{id}/{token}/check`, the form behind "Check now": has a domain looked at. It is the only thing on a page that changes anything,
//! so a request has to come from the page itself: by what the browser says, and by a token that only the page has.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Instant;

use axum::Form;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{HeaderMap, header};
use axum::response::Redirect;
use page_keys::Links;
use pipeline::page::Page;
use serde::Deserialize;
use store::LookNow;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::osbapi::Broker;
use crate::page::access::Signed;
use crate::page::refusal::Refusal;

/// The most bytes of the form: a domain's name, and a token.
pub(super) const MOST_BYTES: usize = 4_096;
/// How often looks at the domains of one instance may be asked for, in each process.
pub(super) const A_MINUTE: NonZeroU32 = match NonZeroU32::new(30) {
    Some(times) => times,
    None => NonZeroU32::MIN,
};
/// Before an outcome in the query of the page's address.
const FLAG: &str = "check=";
/// The longest name of a domain.
const LONGEST_NAME: usize = 253;

/// What came of a press of the button, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) words: &'static str,
    /// What was asked for is on the page soon.
    pub(crate) is_awaited: bool,
}

/// What came of a press of the button. The page's address has its name after the press, and nothing else: whoever makes up an address can
/// choose among these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The domain is being looked at.
    Asked,
    /// It will be, once RabbitMQ is back.
    Delayed,
    /// It was already.
    UnderWay,
    /// The last look was a moment ago, or took long.
    TooSoon,
    /// The CA rejected it.
    Rests,
    /// Nothing waits for it.
    NothingWaits,
    /// The instance's share is used up.
    TooMany,
}

impl Outcome {
    const ALL: [Self; 7] = [
        Self::Asked,
        Self::Delayed,
        Self::UnderWay,
        Self::TooSoon,
        Self::Rests,
        Self::NothingWaits,
        Self::TooMany,
    ];

    /// Its name in addresses.
    fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Delayed => "delayed",
            Self::UnderWay => "under-way",
            Self::TooSoon => "too-soon",
            Self::Rests => "rests",
            Self::NothingWaits => "nothing-waits",
            Self::TooMany => "too-many",
        }
    }

    /// The one that the query of the page's address names.
    pub(crate) fn told_by(query: &str) -> Option<Self> {
        let name = query.strip_prefix(FLAG)?;
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }

    /// In words, above the domains. `None`: it is over; the page was loaded again since.
    pub(crate) fn told(self, page: &Page) -> Option<Told> {
        let (looks, now) = (&page.facts.looks, page.status.now);
        let holds = match self {
            Self::Asked | Self::Delayed | Self::UnderWay => looks.iter().any(|look| look.asked_at.is_some()),
            Self::TooSoon => looks.iter().any(|look| look.again_at.is_some_and(|at| at > now)),
            Self::Rests => looks
                .iter()
                .any(|look| look.held_until.is_some_and(|until| until > now)),
            Self::NothingWaits | Self::TooMany => true,
        };
        holds.then(|| Told {
            words: self.words(),
            is_awaited: matches!(self, Self::Asked | Self::UnderWay),
        })
    }

    fn words(self) -> &'static str {
        match self {
            Self::Asked => "The domain is being looked at.",
            Self::Delayed => {
                "The broker's message queue does not answer. The domain is looked at as soon as it does: nothing is lost, and there \
                 is no need to ask again."
            }
            Self::UnderWay => "The domain is being looked at already.",
            Self::TooSoon => {
                "It is too soon for another look at the domain. From when on it can be checked again is said beside it."
            }
            Self::Rests => "The domain rests, since the CA rejected it. Until when is said beside it.",
            Self::NothingWaits => "Nothing waits for this domain now: what is known of it is said beside it.",
            Self::TooMany => {
                "Too many checks of this service's domains. Try again in a moment; every domain that waits is looked at by itself, too."
            }
        }
    }

    /// Where the browser reads it: the page, at the domain's row.
    fn address(self, base: &str, domain: &str) -> String {
        let place = match may_be_a_name(domain) {
            true => format!("at-{domain}"),
            false => "domains".to_owned(),
        };
        format!("{base}?{FLAG}{}#{place}", self.name())
    }
}

/// Whether it can be one of an instance's domains, and may be written into an address.
fn may_be_a_name(domain: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'*');
    (1..=LONGEST_NAME).contains(&domain.len()) && domain.bytes().all(is_plain)
}

/// What the form contains.
#[derive(Deserialize)]
struct Asked {
    domain: String,
    form: String,
}

pub(super) async fn check(
    State(broker): State<Arc<Broker>>,
    signed: Signed,
    request: Request,
) -> Result<Redirect, Refusal> {
    let pages = broker.pages.as_ref().ok_or(Refusal::NotFound)?;
    let is_from_the_page = is_from_the_page(request.headers(), &pages.links);
    // It is nobody's turn while a body is on its way.
    let read = timeout(broker.body_timeout, Form::<Asked>::from_request(request, &())).await;
    // Whether the link is alive comes first, so that every other answer is for those only who may see the page.
    let opened = signed.open(&broker).await?;
    let Some(Form(Asked { domain, form })) = read.ok().and_then(Result::ok).filter(|_| is_from_the_page) else {
        return Err(Refusal::Foreign);
    };
    if !pages.links.is_form_token(&opened.id, opened.number, &form, opened.now) {
        return Err(Refusal::Foreign);
    }
    let outcome = if !pages.looks.admits(&opened.id, Instant::now()) {
        Outcome::TooMany
    } else if may_be_a_name(&domain) {
        ask(&broker, &opened.id, &domain, opened.turn).await?
    } else {
        Outcome::NothingWaits
    };
    Ok(Redirect::to(&outcome.address(&opened.base, &domain)))
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

async fn ask(broker: &Broker, id: &str, domain: &str, turn: OwnedSemaphorePermit) -> Result<Outcome, Refusal> {
    let asked = broker.store.look_now(id, domain).await?;
    // Those who wait for their turn need not wait for RabbitMQ.
    drop(turn);
    Ok(match asked {
        LookNow::Asked(wake_up) => {
            tracing::info!(instance = id, domain, "a look is asked for on the status page");
            match broker.publish_at_once(vec![wake_up]).await {
                true => Outcome::Asked,
                false => Outcome::Delayed,
            }
        }
        LookNow::UnderWay => Outcome::UnderWay,
        LookNow::TooSoon => Outcome::TooSoon,
        LookNow::Held => Outcome::Rests,
        LookNow::NothingWaits => Outcome::NothingWaits,
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use axum::response::IntoResponse as _;
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

    #[test]
    fn an_address_can_say_what_came_of_it_and_nothing_else() {
        for outcome in Outcome::ALL {
            let address = outcome.address("/i/a/t", "www.example.com");
            let (query, place) = address.split_once('?').unwrap().1.split_once('#').unwrap();
            assert_eq!(place, "at-www.example.com");
            assert_eq!(Outcome::told_by(query), Some(outcome), "{address}");
        }
        for query in [
            "",
            "check=",
            "check=Asked",
            "asked",
            "check=asked&x",
            "x&check=asked",
            "check=%61sked",
        ] {
            assert_eq!(Outcome::told_by(query), None, "{query}");
        }
        let place = |domain: &str| Outcome::TooSoon.address("/i/a/t", domain);
        assert_eq!(place("*.example.com"), "/i/a/t?check=too-soon#at-*.example.com");
        let long = "a".repeat(300);
        for odd in [
            "<script>",
            "a b",
            "a\r\nSet-Cookie: a=b",
            "b\u{fc}cher.example",
            "a#b",
            "a\0b",
            "",
            &long,
        ] {
            assert_eq!(place(odd), "/i/a/t?check=too-soon#domains", "{odd:?}");
        }
        let response = Redirect::to(&place("www.example.com")).into_response();
        assert_eq!(response.status(), 303);
    }

    #[test]
    fn what_is_said_after_a_press() {
        let words: Vec<String> = Outcome::ALL
            .iter()
            .map(|outcome| format!("{}: {}", outcome.name(), outcome.words()))
            .collect();
        insta::assert_snapshot!(words.join("\n"), @r"
        asked: The domain is being looked at.
        delayed: The broker's message queue does not answer. The domain is looked at as soon as it does: nothing is lost, and there is no need to ask again.
        under-way: The domain is being looked at already.
        too-soon: It is too soon for another look at the domain. From when on it can be checked again is said beside it.
        rests: The domain rests, since the CA rejected it. Until when is said beside it.
        nothing-waits: Nothing waits for this domain now: what is known of it is said beside it.
        too-many: Too many checks of this service's domains. Try again in a moment; every domain that waits is looked at by itself, too.
        ");
    }
}
