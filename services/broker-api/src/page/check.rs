//! `POST /i/{id}/{token}/check` (and below `/s/{platform}/{id}`), the form behind "Check now": has a domain looked at.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::response::Redirect;
use pipeline::page::Page;
use store::LookNow;
use tokio::sync::OwnedSemaphorePermit;

use crate::osbapi::Broker;
use crate::page::access::Signed;
use crate::page::press::{Press, Told};
use crate::page::refusal::Refusal;

/// How often looks at the domains of one instance may be asked for, from here or from outside, in each process.
pub(super) const A_MINUTE: NonZeroU32 = match NonZeroU32::new(30) {
    Some(times) => times,
    None => NonZeroU32::MIN,
};
/// Before an outcome in the query of the page's address.
const FLAG: &str = "check=";
/// The longest name of a domain.
const LONGEST_NAME: usize = 253;

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

pub(super) async fn check(
    State(broker): State<Arc<Broker>>,
    signed: Signed,
    request: Request,
) -> Result<Redirect, Refusal> {
    let pages = broker.pages.as_ref().ok_or(Refusal::NotFound)?;
    let Press { opened, fields } = Press::read(&broker, signed, request).await?;
    let domain = fields.domain;
    let outcome = if !pages.looks.admits(&opened.id, Instant::now()) {
        Outcome::TooMany
    } else if may_be_a_name(&domain) {
        ask(&broker, &opened.id, &domain, opened.turn).await?
    } else {
        Outcome::NothingWaits
    };
    Ok(Redirect::to(&outcome.address(&opened.base, &domain)))
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
    use axum::response::IntoResponse as _;

    use super::*;

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
