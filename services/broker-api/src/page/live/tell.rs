//! Tells one reader what has changed, as fast as it reads: what it has no time for is left out, and it gets the newest.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use crate::page::live::hub::{Reader, Shown};
use crate::page::live::pieces::Pieces;

/// Something is sent at least so often: routers in front close what is silent for a minute (nginx `proxy_read_timeout`, AWS' load balancers).
const BEAT: Duration = Duration::from_secs(25);
/// The reader comes again after that, so that a process that was just started gets its share.
const LONGEST: Duration = Duration::from_secs(3_600);
/// A comment.
const STILL_HERE: &[u8] = b":\n\n";
const ENDED: &[u8] = b"event: ended\ndata: {}\n\n";
/// How long a reader waits before it comes again, in milliseconds: the least, and so much more by chance, lest all come at once.
const RETRY: (u64, u64) = (2_000, 3_000);

/// Returns when the reader leaves, its time is up, or the page is gone, which it is told. So it is when it has to be asked again what
/// the reader may see, which is so after `left`: to load the page again is to ask.
pub(super) async fn tell(reader: Reader, events: mpsc::Sender<Bytes>, left: Option<Duration>) {
    let Reader { shown, place: _place } = reader;
    let may_see = async {
        match left {
            Some(left) => sleep(left).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = until_it_is_gone(shown.clone()) => {
            // To a reader that doesn't read it is not told: its next request is.
            let _ = events.try_send(Bytes::from_static(ENDED));
        }
        () = may_see => {
            let _ = events.try_send(Bytes::from_static(ENDED));
        }
        () = tell_changes(shown, &events) => {}
        () = sleep(LONGEST) => {}
    }
}

async fn until_it_is_gone(mut shown: watch::Receiver<Shown>) {
    if shown.wait_for(|shown| matches!(shown, Shown::Ended)).await.is_err() {
        // Whoever kept the page is gone, and not the page: the other branch ends.
        std::future::pending::<()>().await;
    }
}

async fn tell_changes(mut shown: watch::Receiver<Shown>, events: &mpsc::Sender<Bytes>) {
    let chance = RandomState::new().hash_one(()) % RETRY.1;
    let retry = format!("retry: {}\n\n", RETRY.0 + chance);
    let mut next = Some(Bytes::from(retry));
    let mut told: Option<Arc<Pieces>> = None;
    loop {
        if let Some(event) = next.take()
            && events.send(event).await.is_err()
        {
            return;
        }
        let now = shown.borrow_and_update().clone();
        if let Shown::Page(now) = now
            && told.as_ref().is_none_or(|told| !Arc::ptr_eq(told, &now))
        {
            next = match &told {
                None => now.whole(event),
                Some(told) => now.difference(told, event),
            };
            told = Some(now);
            continue;
        }
        tokio::select! {
            changed = shown.changed() => if changed.is_err() { return },
            () = events.closed() => return,
            () = sleep(BEAT) => next = Some(Bytes::from_static(STILL_HERE)),
        }
    }
}

/// An event of this JSON, which is one line.
fn event(json: &str) -> Bytes {
    format!("event: pieces\ndata: {json}\n\n").into()
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use store::{DatabaseArgs, Store};
    use tokio::task::yield_now;

    use super::*;
    use crate::page::live::hub::{Entered, Hub};

    fn page(text: &str) -> Shown {
        let html = format!("<section id=\"a\">{text}</section>");
        Shown::Page(Arc::new(Pieces::of(&html)))
    }

    async fn heard(events: &mut mpsc::Receiver<Bytes>) -> String {
        let event = tokio::time::timeout(Duration::from_secs(10), events.recv()).await;
        String::from_utf8(event.expect("in time").expect("an event").to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_slow_reader_skips_to_the_newest() {
        let (sender, shown) = watch::channel(Shown::Nothing);
        let (events, mut reader) = mpsc::channel(1);
        let telling = tokio::spawn(async move { tell_changes(shown, &events).await });
        for number in 0..100 {
            sender.send_replace(page(&format!("number {number}")));
            yield_now().await;
        }
        // One waits in the channel, and one for its place there; of all others only the last one is made.
        assert!(heard(&mut reader).await.starts_with("retry: "));
        let mut pieces = 0;
        loop {
            pieces += 1;
            if heard(&mut reader).await.contains("number 99") {
                break;
            }
        }
        assert!(pieces <= 2, "{pieces}");
        // What differs from what it has is told, and nothing else.
        sender.send_replace(page("number 99"));
        yield_now().await;
        sender.send_replace(page("more"));
        assert!(heard(&mut reader).await.contains("more"));
        drop(sender);
        telling.await.unwrap();
    }

    async fn next(events: &mut mpsc::Receiver<Bytes>) -> Bytes {
        let event = tokio::time::timeout(Duration::from_secs(10), events.recv()).await;
        event.expect("in time").expect("an event")
    }

    #[tokio::test]
    async fn readers_who_had_the_same_share_what_they_get() {
        let (sender, shown) = watch::channel(page("a"));
        let mut readers = Vec::new();
        for _ in 0..2 {
            let (events, mut reader) = mpsc::channel(1);
            let shown = shown.clone();
            tokio::spawn(async move { tell_changes(shown, &events).await });
            assert!(heard(&mut reader).await.starts_with("retry: "));
            readers.push(reader);
        }
        for text in [">a<", ">b<"] {
            let mut got = Vec::new();
            for reader in &mut readers {
                got.push(next(reader).await);
            }
            assert!(String::from_utf8_lossy(&got[0]).contains(text), "{:?}", got[0]);
            assert_eq!(got[0].as_ptr(), got[1].as_ptr(), "{text}");
            sender.send_replace(page("b"));
        }
    }

    #[tokio::test]
    async fn a_reader_is_told_when_the_page_is_gone_and_ends_when_it_leaves() {
        let (sender, shown) = watch::channel(page("a"));
        let (events, mut reader) = mpsc::channel(1);
        let mut gone = pin!(until_it_is_gone(shown.clone()));
        tokio::select! {
            biased;
            () = &mut gone => panic!("it is there"),
            () = yield_now() => {}
        }
        sender.send_replace(Shown::Ended);
        gone.await;
        let telling = tokio::spawn(async move { tell_changes(shown, &events).await });
        assert!(heard(&mut reader).await.starts_with("retry: "));
        drop(reader);
        tokio::time::timeout(Duration::from_secs(10), telling)
            .await
            .expect("it ends")
            .unwrap();
        drop(sender);
    }

    #[tokio::test]
    async fn whoever_has_signed_in_is_told_to_ask_again_when_that_ends() {
        let args = DatabaseArgs::at("postgres://nobody@127.0.0.1:1/none");
        let hub = Hub::new(Store::new(&args, "test").unwrap(), 1);
        let Entered { reader, first } = hub.enter("/s/cf/i1", "i1", None).unwrap();
        let (sender, mut events) = mpsc::channel(1);
        tokio::spawn(tell(reader, sender, Some(Duration::from_millis(300))));
        assert!(heard(&mut events).await.starts_with("retry: "));
        assert_eq!(heard(&mut events).await.as_bytes(), ENDED);
        assert!(events.recv().await.is_none(), "and that is all");
        // Whoever keeps the page was there all the time.
        drop(first);
    }
}
