//! Who may see an instance's page: whoever has its link, and whoever has signed in with the platform and may see the instance there. What
//! no key has signed, a token or a cookie, is refused before the database is asked.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use page_keys::{Right, Session, signed_in_path};
use serde::Deserialize;
use store::{Store, StoreError};
use time::OffsetDateTime;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::osbapi::Broker;
use crate::page::Pages;
use crate::page::refusal::Refusal;
use crate::page::sign_in::access::{SignedOut, session};

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// What forms are signed for on the page of those who have signed in; no link has this number.
const NO_LINK: i32 = 0;

/// By what somebody may see a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Its link, by its number.
    Link(i32),
    /// A sign-in with this platform.
    SignIn { platform: String, right: Right },
}

/// What one of the keys has signed. Whether it opens the page, the database knows.
pub(crate) struct Signed {
    id: String,
    by: By,
    base: String,
    /// How long it opens it, if that is known already.
    left: Option<Duration>,
}

/// An instance whose page a request may see.
pub(crate) struct Opened {
    /// The instance.
    pub(crate) id: String,
    /// By what.
    pub(crate) by: By,
    /// The page's own path: the addresses of what is below it begin with this and a slash.
    pub(crate) base: String,
    /// How long that is so; `None`: it is not known.
    pub(crate) left: Option<Duration>,
    /// The database's time, in seconds since 1970.
    pub(crate) now: i64,
    /// It is this request's turn to read, until its answer is made.
    pub(crate) turn: OwnedSemaphorePermit,
}

#[derive(Deserialize)]
struct Segments {
    id: String,
    /// Of a link.
    token: Option<String>,
    /// Of a sign-in.
    platform: Option<String>,
}

impl By {
    /// The number that the forms on the page are signed for.
    pub(crate) fn number(&self) -> i32 {
        match self {
            Self::Link(number) => *number,
            Self::SignIn { .. } => NO_LINK,
        }
    }

    /// Whether looks may be asked for.
    pub(crate) fn may_ask(&self) -> bool {
        !matches!(self, Self::SignIn { right: Right::Read, .. })
    }

    /// Whether it opens the instance's page: the database's time if it does.
    pub(crate) async fn opens(
        &self,
        store: &Store,
        pages: &Pages,
        instance: &str,
    ) -> Result<Option<OffsetDateTime>, StoreError> {
        match self {
            Self::Link(number) => {
                let lifetime = pages.links.lifetime();
                store.page_link_opens(instance, *number, lifetime).await
            }
            Self::SignIn { platform, .. } => match pages.peer(platform) {
                Some(peer) => store.page_is_of(instance, peer.names()).await,
                None => Ok(None),
            },
        }
    }
}

impl Signed {
    /// The page, when it is this request's turn, if it opens.
    pub(crate) async fn open(self, broker: &Broker) -> Result<Opened, Refusal> {
        let Self { id, by, base, left } = self;
        let pages = broker.pages.as_ref().ok_or(Refusal::NotFound)?;
        let Ok(Ok(turn)) = timeout(PATIENCE, pages.turns.clone().acquire_owned()).await else {
            return Err(Refusal::Busy);
        };
        let opened = by.opens(&broker.store, pages, &id).await?;
        let now = opened.ok_or(Refusal::NotFound)?.unix_timestamp();
        Ok(Opened {
            id,
            by,
            base,
            left,
            now,
            turn,
        })
    }
}

impl FromRequestParts<Arc<Broker>> for Signed {
    type Rejection = SignedOut;

    async fn from_request_parts(parts: &mut Parts, broker: &Arc<Broker>) -> Result<Self, SignedOut> {
        let not_found = || SignedOut::Refused(Refusal::NotFound);
        let Ok(Path(segments)) = Path::<Segments>::from_request_parts(parts, broker).await else {
            return Err(not_found());
        };
        let pages = broker.pages.as_ref().ok_or_else(not_found)?;
        match segments {
            Segments {
                id, token: Some(token), ..
            } => {
                let number = pages.links.verified(&id, &token).ok_or_else(not_found)?;
                Ok(Self {
                    base: page_keys::path(&id, &token),
                    by: By::Link(number),
                    id,
                    left: None,
                })
            }
            Segments {
                id,
                platform: Some(platform),
                ..
            } => {
                let (Session { right, .. }, left) = session(pages, parts, &platform, &id).await?;
                Ok(Self {
                    base: signed_in_path(&platform, &id),
                    by: By::SignIn { platform, right },
                    id,
                    left: Some(left),
                })
            }
            Segments { .. } => Err(not_found()),
        }
    }
}

impl FromRequestParts<Arc<Broker>> for Opened {
    type Rejection = SignedOut;

    async fn from_request_parts(parts: &mut Parts, broker: &Arc<Broker>) -> Result<Self, SignedOut> {
        let signed = Signed::from_request_parts(parts, broker).await?;
        signed.open(broker).await.map_err(SignedOut::Refused)
    }
}

impl IntoResponse for SignedOut {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(refusal) => refusal.into_response(),
            Self::Sent(to_platform) => to_platform.into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_only_look_asks_for_nothing() {
        let signed_in = |right| By::SignIn {
            platform: "cf-eu".to_owned(),
            right,
        };
        assert!(By::Link(1).may_ask() && signed_in(Right::Manage).may_ask());
        assert!(!signed_in(Right::Read).may_ask());
        // What is on one page is good for no other.
        assert_eq!((By::Link(7).number(), signed_in(Right::Manage).number()), (7, 0));
    }
}
