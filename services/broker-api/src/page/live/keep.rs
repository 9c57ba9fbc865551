//! Keeps a page up to date for all of its readers: reads and renders it when it has changed.

use std::sync::{Arc, Weak};
use std::time::Duration;

use store::StoreError;
use tokio::time::{Instant, sleep_until};

use crate::osbapi::Broker;
use crate::page::access::By;
use crate::page::live::hub::{First, Shown};
use crate::page::live::pieces::Pieces;
use crate::page::view::{self, Visit};

/// A page is made at most so often, however often it changes.
const REST: Duration = Duration::from_millis(300);
/// When the database doesn't answer, or readers don't read.
const PAUSE: Duration = Duration::from_secs(2);
/// How many versions of a page its readers may have at a time. One that somebody has not read yet stays in memory, and a page of 100 domains has
/// hundreds of kilobytes: a reader that takes nothing, until it is cut off, holds up the others of this page at most, and nobody else.
const VERSIONS: usize = 4;
/// What its form contains is good for an hour.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// A page that is kept up to date.
pub(super) struct Keeping {
    /// What it is known by to the hub.
    pub(super) key: String,
    /// Its path.
    pub(super) base: String,
    pub(super) instance: String,
    /// What opens it.
    pub(super) by: By,
    pub(super) first: First,
}

/// The versions of a page that somebody has.
#[derive(Default)]
struct Versions(Vec<Weak<Pieces>>);

impl Versions {
    fn have_room(&mut self) -> bool {
        self.0.retain(|version| version.strong_count() > 0);
        self.0.len() < VERSIONS
    }

    fn add(&mut self, version: &Arc<Pieces>) {
        self.0.push(Arc::downgrade(version));
    }
}

/// What came of making a page.
enum Made {
    Page(Pieces),
    /// Its readers have too many versions of it.
    Later,
    /// It is gone, or its link doesn't lead to it any more.
    Gone,
}

/// Returns when nobody reads it any more, or it is gone.
pub(super) async fn keep(broker: Arc<Broker>, page: Keeping) {
    let First { shown, changed } = &page.first;
    let mut is_watched = false;
    let mut versions = Versions::default();
    while !shown.is_closed() {
        let begun = Instant::now();
        let mut longest = LONGEST;
        match make(&broker, &page, &mut is_watched, versions.have_room()).await {
            Ok(Made::Page(pieces)) => {
                let pieces = Arc::new(pieces);
                versions.add(&pieces);
                shown.send_replace(Shown::Page(pieces));
            }
            Ok(Made::Later) => longest = PAUSE,
            Ok(Made::Gone) => {
                shown.send_replace(Shown::Ended);
                return;
            }
            // Readers have what they had. Whoever follows the changes says so once for all pages.
            Err(error) if error.is_transient() => longest = PAUSE,
            Err(error) => {
                let error = telemetry::with_causes(&error);
                tracing::error!(instance = page.instance, error, "an open status page can't be read");
            }
        }
        sleep_until(begun + REST).await;
        tokio::select! {
            () = changed.notified() => {}
            () = shown.closed() => {}
            () = sleep_until(begun + longest) => {}
        }
    }
}

/// The page as it is now.
async fn make(broker: &Broker, page: &Keeping, is_watched: &mut bool, has_room: bool) -> Result<Made, StoreError> {
    let Some(pages) = &broker.pages else {
        return Ok(Made::Gone);
    };
    // Of those that change together, a few at a time; and as all other readers, with one of the few connections that pages may use.
    let (Ok(_turn), Ok(_place)) = (pages.live.turns.acquire().await, pages.turns.acquire().await) else {
        return Ok(Made::Gone);
    };
    let Keeping {
        key,
        base,
        instance,
        by,
        first,
    } = page;
    if !*is_watched {
        // Before it is read: whatever changes from now on is told.
        let version = broker.store.watch_page(instance).await?;
        pages.live.reads(key, &first.changed, version);
        *is_watched = true;
    }
    let opened = by.opens(&broker.store, pages, instance).await?;
    let Some(now) = opened else { return Ok(Made::Gone) };
    if !has_room {
        return Ok(Made::Later);
    }
    let visit = Visit {
        base,
        form_token: by
            .may_ask()
            .then(|| pages.links.form_token(instance, by.number(), now.unix_timestamp())),
        is_signed_in: matches!(by, By::SignIn { .. }),
        outcome: None,
        outside: None,
    };
    let html = view::page(broker, instance, visit).await?;
    Ok(html.as_deref().map_or(Made::Gone, |html| Made::Page(Pieces::of(html))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_somebody_has_takes_room_until_it_is_read() {
        let mut versions = Versions::default();
        let mut had: Vec<Arc<Pieces>> = Vec::new();
        for _ in 0..VERSIONS {
            assert!(versions.have_room());
            let version = Arc::new(Pieces::of(""));
            versions.add(&version);
            had.push(version);
        }
        assert!(!versions.have_room());
        had.remove(1);
        assert!(versions.have_room());
        drop(had);
        assert!(versions.have_room());
    }
}
