//! Who may see an instance's page: whoever has its link. A token that no key has made is refused before the database is asked.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::osbapi::Broker;
use crate::page::refusal::Refusal;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// A link that one of the keys has made. Whether it is alive, the database knows.
pub(crate) struct Signed {
    id: String,
    number: i32,
    base: String,
}

/// An instance whose page a request may see, by a link that is alive.
pub(crate) struct Opened {
    /// The instance.
    pub(crate) id: String,
    /// The number of the link.
    pub(crate) number: i32,
    /// The page's own path: the addresses of what is below it begin with this and a slash.
    pub(crate) base: String,
    /// The database's time, in seconds since 1970.
    pub(crate) now: i64,
    /// It is this request's turn to read, until its answer is made.
    pub(crate) turn: OwnedSemaphorePermit,
}

#[derive(Deserialize)]
struct Segments {
    id: String,
    token: String,
}

impl Signed {
    /// The page, when it is this request's turn, if the link is alive.
    pub(crate) async fn open(self, broker: &Broker) -> Result<Opened, Refusal> {
        let Self { id, number, base } = self;
        let pages = broker.pages.as_ref().ok_or(Refusal::NotFound)?;
        let Ok(Ok(turn)) = timeout(PATIENCE, pages.turns.clone().acquire_owned()).await else {
            return Err(Refusal::Busy);
        };
        let lifetime = pages.links.lifetime();
        let opened = broker.store.page_link_opens(&id, number, lifetime).await?;
        let now = opened.ok_or(Refusal::NotFound)?.unix_timestamp();
        Ok(Opened {
            id,
            number,
            base,
            now,
            turn,
        })
    }
}

impl FromRequestParts<Arc<Broker>> for Signed {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, broker: &Arc<Broker>) -> Result<Self, Refusal> {
        let Ok(Path(Segments { id, token })) = Path::<Segments>::from_request_parts(parts, broker).await else {
            return Err(Refusal::NotFound);
        };
        let pages = broker.pages.as_ref().ok_or(Refusal::NotFound)?;
        let number = pages.links.verified(&id, &token).ok_or(Refusal::NotFound)?;
        Ok(Self {
            base: page_keys::path(&id, &token),
            id,
            number,
        })
    }
}

impl FromRequestParts<Arc<Broker>> for Opened {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, broker: &Arc<Broker>) -> Result<Self, Refusal> {
        Signed::from_request_parts(parts, broker).await?.open(broker).await
    }
}
