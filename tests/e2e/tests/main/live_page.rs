//! An open page is told of changes: by events on a stream, which goes on when PostgreSQL does, and ends with the link and with the process.
//! Without workers nothing changes by itself, so that each event has its reason.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use customer::platform::answer;
use reqwest::{Method, Response};
use serde_json::Value;
use stack::{Options, Signal};
use tokio::time::timeout;

use crate::page_link::{Alone, Linked};
use crate::world::{PATIENCE, until};

/// From the change's commit to the event.
const AT_ONCE: Duration = Duration::from_secs(2);
/// A client has 8 places, all together 9.
const PLACES: &str = "9";
const CLIENT: &str = "203.0.113.7";

/// An event: its name, and its data.
type Event = (String, Value);

/// A page that is open.
pub(crate) struct Live {
    response: Response,
    bytes: Vec<u8>,
    events: VecDeque<Event>,
}

impl Live {
    /// Opens it. Its first event is the whole page.
    pub(crate) async fn open(link: &str) -> anyhow::Result<Self> {
        let mut live = Self::of(ask(link, None).await?)?;
        let (name, data) = live.next().await?.context("an event")?;
        ensure!(name == "pieces", "{name}");
        let pieces = data["pieces"].as_array().context("pieces")?.len();
        ensure!(pieces >= 6, "{data}");
        Ok(live)
    }

    fn of(response: Response) -> anyhow::Result<Self> {
        ensure!(response.status() == 200, "{}", response.status());
        let content_type = response.headers().get("content-type").context("a content type")?;
        ensure!(content_type == "text/event-stream", "{content_type:?}");
        Ok(Self {
            response,
            bytes: Vec::new(),
            events: VecDeque::new(),
        })
    }

    /// The next event. `None`: the stream has ended.
    async fn next(&mut self) -> anyhow::Result<Option<Event>> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            let chunk = timeout(PATIENCE, self.response.chunk())
                .await
                .context("nothing is told")?;
            let Some(chunk) = chunk? else { return Ok(None) };
            self.bytes.extend_from_slice(&chunk);
            while let Some(end) = self.bytes.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.bytes.drain(..end + 2).collect();
                self.events.extend(read(std::str::from_utf8(&block)?)?);
            }
        }
    }

    /// Waits until it is told something with these words.
    pub(crate) async fn told(&mut self, words: &str) -> anyhow::Result<()> {
        loop {
            let (name, data) = self.next().await?.context("the stream has ended")?;
            ensure!(name == "pieces", "{name}");
            if data.to_string().contains(words) {
                return Ok(());
            }
        }
    }

    /// Waits until the stream ends. The names of the events before.
    async fn ended(&mut self) -> anyhow::Result<Vec<String>> {
        let mut names = Vec::new();
        while let Some((name, _)) = self.next().await? {
            names.push(name);
        }
        Ok(names)
    }
}

/// The event in a block; none in comments and the like.
fn read(block: &str) -> anyhow::Result<Option<Event>> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
    let Some((name, data)) = field("event: ").zip(field("data: ")) else {
        return Ok(None);
    };
    Ok(Some((name.to_owned(), serde_json::from_str(data)?)))
}

async fn ask(link: &str, client: Option<&str>) -> anyhow::Result<Response> {
    let mut request = reqwest::Client::new().get(format!("{link}/live"));
    if let Some(client) = client {
        request = request.header("x-forwarded-for", client);
    }
    Ok(request.send().await?)
}

async fn watched(alone: &Alone) -> anyhow::Result<i64> {
    let sql = "select count(*) from page_watches where until > now()";
    Ok(alone.database().await?.query_one(sql, &[]).await?.get(0))
}

/// Its last operation failed, for this reason.
async fn fails(alone: &Alone, page: &Linked, why: &str) -> anyhow::Result<()> {
    let sql = "update operations set state = 'failed', version = version + 1, failure = $2 where instance_id = $1";
    let changed = alone.database().await?.execute(sql, &[&page.id, &why]).await?;
    ensure!(changed == 1, "{changed} operations");
    Ok(())
}

#[tokio::test]
async fn an_open_page_is_told_what_changes_as_long_as_its_link_is_good() -> anyhow::Result<()> {
    let alone = Alone::with(Options::fast().with_env("broker-api", "LIVE_PAGES", PLACES)).await?;
    let page = alone.made().await?;
    assert_eq!(watched(&alone).await?, 0, "nobody looks");
    let mut live = Live::open(&page.link).await?;
    assert_eq!(watched(&alone).await?, 1);
    a_change_is_told_at_once(&alone, &page, &mut live).await?;
    a_change_beside_the_operation_is_told(&alone, &page, &mut live).await?;
    it_goes_on_when_the_connection_is_cut(&alone, &page, &mut live).await?;
    it_goes_on_when_postgresql_was_killed(&alone, &page, &mut live).await?;
    a_revoked_link_ends_it(&alone, &page, live).await?;
    too_many_are_refused(&alone).await?;
    the_process_does_not_wait_for_it(&alone).await?;
    let log = alone.log()?;
    ensure!(log.contains("/i/{id}/{token}/live"), "it is logged");
    ensure!(!log.contains(page.token()), "a link is in the log");
    Ok(())
}

async fn a_change_is_told_at_once(alone: &Alone, page: &Linked, live: &mut Live) -> anyhow::Result<()> {
    let begun = Instant::now();
    fails(alone, page, "A first reason.").await?;
    live.told("A first reason.").await?;
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    // Both readers of one page.
    let mut second = Live::open(&page.link).await?;
    fails(alone, page, "A second reason.").await?;
    live.told("A second reason.").await?;
    second.told("A second reason.").await
}

/// The domain went to another instance, which changes no operation of this one.
async fn a_change_beside_the_operation_is_told(alone: &Alone, page: &Linked, live: &mut Live) -> anyhow::Result<()> {
    let sql = "update claims set lost_at = now() where instance_id = $1";
    let begun = Instant::now();
    alone.run(sql, &page.id).await?;
    live.told(">Left</span>").await?;
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    Ok(())
}

async fn it_goes_on_when_the_connection_is_cut(alone: &Alone, page: &Linked, live: &mut Live) -> anyhow::Result<()> {
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'broker-api'";
    let count: i64 = alone.database().await?.query_one(cut, &[]).await?.get(0);
    ensure!(count > 0, "nothing was cut");
    fails(alone, page, "A reason while nobody listened.").await?;
    live.told("A reason while nobody listened.").await?;
    fails(alone, page, "A reason after that.").await?;
    live.told("A reason after that.").await
}

/// Which takes the table of those who look with it.
async fn it_goes_on_when_postgresql_was_killed(alone: &Alone, page: &Linked, live: &mut Live) -> anyhow::Result<()> {
    alone.stack.kill("postgres", Signal::Kill).await?;
    alone.stack.start_again("postgres").await?;
    fails(alone, page, "A reason after the crash.").await?;
    live.told("A reason after the crash.").await?;
    until("it is known again who looks", async || Ok(watched(alone).await? == 1)).await?;
    let begun = Instant::now();
    fails(alone, page, "One more.").await?;
    live.told("One more.").await?;
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    Ok(())
}

async fn a_revoked_link_ends_it(alone: &Alone, page: &Linked, mut live: Live) -> anyhow::Result<()> {
    let said = alone.link(&[&page.id, "--revoke"]).await?;
    assert_eq!(said.code, Some(0), "{}", said.errors);
    let begun = Instant::now();
    let names = live.ended().await?;
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    assert_eq!(names.last().map(String::as_str), Some("ended"), "{names:?}");
    let refused = alone.visit(&format!("{}/live", page.link)).await?;
    assert_eq!(refused.status, 404, "{}", refused.text);

    // One that was replaced, too.
    let replaced = alone.made().await?;
    let mut live = Live::open(&replaced.link).await?;
    alone.link(&[&replaced.id, "--new"]).await?;
    assert_eq!(live.ended().await?.last().map(String::as_str), Some("ended"));
    Ok(())
}

async fn too_many_are_refused(alone: &Alone) -> anyhow::Result<()> {
    let page = alone.made().await?;
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(Live::of(ask(&page.link, Some(CLIENT)).await?)?);
    }
    let refused = ask(&page.link, Some(CLIENT)).await?;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    // The page itself is there.
    let address = page.link.strip_prefix(&alone.stack.endpoints().broker_url);
    let whole = alone.platform.bare(Method::GET, address.context("an address")?);
    assert_eq!(answer(whole.header("x-forwarded-for", CLIENT)).await?.status, 200);
    let other = ask(&page.link, Some("203.0.113.8")).await?;
    assert_eq!(other.status(), 200);
    assert_eq!(ask(&page.link, Some("203.0.113.9")).await?.status(), 503);
    drop(open);
    until("a place is given back", async || {
        Ok(ask(&page.link, Some(CLIENT)).await?.status() == 200)
    })
    .await
}

async fn the_process_does_not_wait_for_it(alone: &Alone) -> anyhow::Result<()> {
    let page = alone.made().await?;
    let mut live = Live::open(&page.link).await?;
    let begun = Instant::now();
    alone.stack.kill("broker-api", Signal::Term).await?;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    // Whole: a browser comes again by itself.
    let names = live.ended().await?;
    assert!(names.iter().all(|name| name == "pieces"), "{names:?}");
    Ok(())
}
