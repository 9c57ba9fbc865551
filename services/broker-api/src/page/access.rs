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

/// An instance whose page a request may see, by a link that is alive.
pub(crate) struct Opened {
    /// The instance.
    pub(crate) id: String,
    /// The page's own path: the addresses of what is below it begin with this and a slash.
    pub(crate) base: String,
    /// It is this request's turn to read, until its answer is made.
    _turn: OwnedSemaphorePermit,
}

#[derive(Deserialize)]
struct Segments {
    id: String,
    token: String,
}

impl FromRequestParts<Arc<Broker>> for Opened {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, broker: &Arc<Broker>) -> Result<Self, Refusal> {
        let Ok(Path(Segments { id, token })) = Path::<Segments>::from_request_parts(parts, broker).await else {
            return Err(Refusal::NotFound);
        };
        let pages = broker.pages.as_ref().ok_or(Refusal::NotFound)?;
        let links = &pages.links;
        let number = links.verified(&id, &token).ok_or(Refusal::NotFound)?;
        let Ok(Ok(turn)) = timeout(PATIENCE, pages.turns.clone().acquire_owned()).await else {
            return Err(Refusal::Busy);
        };
        match broker.store.page_link_opens(&id, number, links.lifetime()).await? {
            true => Ok(Self {
                base: page_keys::path(&id, &token),
                id,
                _turn: turn,
            }),
            false => Err(Refusal::NotFound),
        }
    }
}
