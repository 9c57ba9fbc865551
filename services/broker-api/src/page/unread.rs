//! Pages that are made and wait for their readers. What a reader doesn't take stays in memory for ANSWER_TIMEOUT, and a page of 100 domains has
//! hundreds of kilobytes: a crowd that opens pages and reads none must not fill the memory that the platform's requests need.

use std::sync::Arc;

use axum::body::Bytes;
use axum::response::{Html, IntoResponse as _, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::page::refusal::Refusal;

/// The most that waits to be read, in KiB: a quarter of the memory that a broker-api has in `k8s/`, and some hundred of the largest pages.
const MOST: usize = 64 * 1024;

/// How much more may wait to be read, in KiB.
#[derive(Clone)]
pub(super) struct Room(Arc<Semaphore>);

/// A page that holds its room for as long as any part of it is in memory.
struct Unread {
    html: String,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Unread {
    fn as_ref(&self) -> &[u8] {
        self.html.as_bytes()
    }
}

impl Room {
    pub(super) fn new() -> Self {
        Self::of(MOST)
    }

    fn of(kib: usize) -> Self {
        Self(Arc::new(Semaphore::new(kib)))
    }

    /// The page as an answer, if there is room for it.
    pub(super) fn answer(&self, html: String) -> Result<Response, Refusal> {
        let kib = u32::try_from(html.len() / 1024 + 1).map_err(|_| Refusal::Busy)?;
        let room = self.0.clone().try_acquire_many_owned(kib);
        let unread = Unread {
            html,
            _room: room.map_err(|_| Refusal::Busy)?,
        };
        Ok(Html(Bytes::from_owner(unread)).into_response())
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn what_nobody_reads_leaves_no_room_for_more() {
        let room = Room::of(10);
        let page = || room.answer("x".repeat(4 * 1024));
        let (first, second) = (page().unwrap(), page().unwrap());
        assert_eq!(page().unwrap_err(), Refusal::Busy);
        let taken = first.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(taken.len(), 4 * 1024);
        assert_eq!(page().unwrap_err(), Refusal::Busy, "it is in memory yet");
        drop(taken);
        let third = page().unwrap();
        assert_eq!(third.headers()["content-type"], "text/html; charset=utf-8");
        drop((second, third));
        assert!(room.answer("x".repeat(9 * 1024)).is_ok(), "all of it is free again");
    }
}
