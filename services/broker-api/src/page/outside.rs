//! `POST /i/{id}/{token}/outside`, the form behind "Check from outside": asks for a check of the instance's domains. It is done by
//! challenge-verifier: nothing here connects to where tenants' names lead.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::response::Redirect;
use pipeline::outside::is_path;
use pipeline::page::Page;
use store::AskOutside;

use crate::osbapi::Broker;
use crate::page::access::Signed;
use crate::page::press::{Press, Told};
use crate::page::refusal::Refusal;

/// Before an outcome in the query of the page's address.
const FLAG: &str = "outside=";
/// The section where the check is.
const PLACE: &str = "distribution";

/// What came of a press of the button. The page's address has its name after the press, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A check was asked for.
    Asked,
    /// One was before, and isn't done yet.
    UnderWay,
    /// The last one was a moment ago.
    TooSoon,
    /// There is no distribution yet.
    NothingThere,
    /// What should be a path isn't one.
    NoPath,
    /// The instance's share is used up.
    TooMany,
}

impl Outcome {
    const ALL: [Self; 6] = [
        Self::Asked,
        Self::UnderWay,
        Self::TooSoon,
        Self::NothingThere,
        Self::NoPath,
        Self::TooMany,
    ];

    /// Its name in addresses.
    fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::UnderWay => "under-way",
            Self::TooSoon => "too-soon",
            Self::NothingThere => "nothing-there",
            Self::NoPath => "no-path",
            Self::TooMany => "too-many",
        }
    }

    /// The one that the query of the page's address names.
    pub(crate) fn told_by(query: &str) -> Option<Self> {
        let name = query.strip_prefix(FLAG)?;
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }

    /// In words, beside the button. `None`: it is over; the page was loaded again since.
    pub(crate) fn told(self, page: &Page) -> Option<Told> {
        let check = page.outside();
        let holds = match self {
            Self::Asked | Self::UnderWay => check.is_under_way,
            Self::TooSoon => check.says.is_some(),
            Self::NothingThere | Self::NoPath | Self::TooMany => true,
        };
        holds.then(|| Told {
            words: self.words(),
            is_awaited: matches!(self, Self::Asked | Self::UnderWay),
        })
    }

    fn words(self) -> &'static str {
        match self {
            Self::Asked => "The domains are looked at from outside.",
            Self::UnderWay => "The domains are being looked at from outside already.",
            Self::TooSoon => {
                "It is too soon for another check from outside. From when on it can be asked for again is said beside it."
            }
            Self::NothingThere => "There is no distribution yet that could be checked from outside.",
            Self::NoPath => {
                "This can't be requested: a path begins with a slash, has 200 characters at most, and what is not ASCII in it is percent-encoded. \
                 Nothing was done."
            }
            Self::TooMany => "Too many checks of this service's domains. Try again in a moment.",
        }
    }

    /// Where the browser reads it.
    fn address(self, base: &str) -> String {
        format!("{base}?{FLAG}{}#{PLACE}", self.name())
    }
}

pub(super) async fn outside(
    State(broker): State<Arc<Broker>>,
    signed: Signed,
    request: Request,
) -> Result<Redirect, Refusal> {
    let pages = broker.pages.as_ref().ok_or(Refusal::NotFound)?;
    let Press { opened, fields } = Press::read(&broker, signed, request).await?;
    let echo = Some(fields.echo.trim()).filter(|echo| !echo.is_empty());
    let outcome = if !pages.looks.admits(&opened.id, Instant::now()) {
        Outcome::TooMany
    } else if !echo.is_none_or(is_path) {
        Outcome::NoPath
    } else {
        match broker.store.ask_outside(&opened.id, echo).await? {
            AskOutside::Asked => {
                tracing::info!(
                    instance = opened.id,
                    "a check from outside is asked for on the status page"
                );
                Outcome::Asked
            }
            AskOutside::UnderWay => Outcome::UnderWay,
            AskOutside::TooSoon => Outcome::TooSoon,
            AskOutside::NothingThere => Outcome::NothingThere,
        }
    };
    Ok(Redirect::to(&outcome.address(&opened.base)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_can_say_what_came_of_it_and_nothing_else() {
        for outcome in Outcome::ALL {
            let address = outcome.address("/i/a/t");
            let (query, place) = address.split_once('?').unwrap().1.split_once('#').unwrap();
            assert_eq!(place, "distribution");
            assert_eq!(Outcome::told_by(query), Some(outcome), "{address}");
        }
        for query in ["", "outside=", "outside=Asked", "check=asked", "outside=asked&x"] {
            assert_eq!(Outcome::told_by(query), None, "{query}");
        }
    }

    #[test]
    fn what_is_said_after_a_press() {
        let words: Vec<String> = Outcome::ALL
            .iter()
            .map(|outcome| format!("{}: {}", outcome.name(), outcome.words()))
            .collect();
        insta::assert_snapshot!(words.join("\n"), @r"
        asked: The domains are looked at from outside.
        under-way: The domains are being looked at from outside already.
        too-soon: It is too soon for another check from outside. From when on it can be asked for again is said beside it.
        nothing-there: There is no distribution yet that could be checked from outside.
        no-path: This can't be requested: a path begins with a slash, has 200 characters at most, and what is not ASCII in it is percent-encoded. Nothing was done.
        too-many: Too many checks of this service's domains. Try again in a moment.
        ");
    }
}
