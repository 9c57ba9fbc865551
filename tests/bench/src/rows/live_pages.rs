//! What status pages that are open cost the platform: last_operation at a fixed rate without any, and with 500 pages open that show
//! changes by themselves. In both cases one instance in ten changes each second.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use page_keys::PageKeys;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::comparison::{Comparison, Goal};
use crate::form::Form;
use crate::load::Answered;
use crate::polls::{self, Polled};
use crate::row::Row;
use crate::run::say;
use crate::site::{LOOKED_AT, Settings, Site};
use crate::spread::Spread;
use crate::turns::in_turns;

/// Requests per second.
const RATE: u32 = 500;
const GOAL: Goal = Goal::Times(1.1);
/// Before each round, as for the row last-operation.
const WARM_UP: (u32, Duration) = (200, Duration::from_secs(2));
const PREFIX: &str = "live";
/// As a record does that tells something new: of these instances, in turns.
const SEEN: &str = "update operations set version = version + 1 where instance_id = any($1) and state = 'running'";
const TURNS: usize = 10;

/// See the file.
pub(crate) struct LivePages;

#[async_trait(?Send)]
impl Row for LivePages {
    fn name(&self) -> &'static str {
        "live-pages"
    }

    fn settings(&self) -> Settings {
        Settings::Default
    }

    async fn measure(&self, site: &Site, form: &Form) -> anyhow::Result<Vec<Comparison>> {
        let pages = form.pick(500, 100);
        say(&format!("{pages} operations begin"));
        let polled = polls::begin(site, PREFIX, pages, 1).await?;
        let prefix = format!("{PREFIX}-");
        site.until_count(LOOKED_AT, &prefix, pages).await?;
        let urls = polls::addresses(site, PREFIX, &site.stack.endpoints().broker_url, &polled)?;
        let lasts = form.seconds(10, 3);
        let send = async || {
            polls::send(site, &urls, WARM_UP.0, WARM_UP.1).await?;
            tokio::select! {
                answered = polls::send(site, &urls, RATE, lasts) => answered,
                changed = change(site, &polled) => {
                    let Err(error) = changed;
                    Err(error)
                }
            }
        };
        say(&format!("last_operation with 0 and with {pages} open pages"));
        let (without, with) = in_turns(
            form.rounds(),
            async |_| send().await,
            async |_| {
                let open = open(site, &polled).await?;
                let answered = send().await;
                drop(open);
                answered
            },
        )
        .await?;
        site.put_to_rest(&prefix).await?;
        let line = |what: &str, of: fn(&Answered) -> f64, goal| {
            anyhow::Ok(Comparison::new(
                format!("0 and {pages} open pages, {RATE}/s: {what}"),
                Spread::of(without.iter().map(of))?,
                Spread::of(with.iter().map(of))?,
                goal,
            ))
        };
        [
            line("p50 (ms)", |answered| answered.p50, Goal::None),
            line("p99 (ms)", |answered| answered.p99, GOAL),
            line("answers per second", |answered| answered.per_second, Goal::None),
        ]
        .into_iter()
        .collect()
    }
}

/// Changes one in ten each second, until it is dropped.
async fn change(site: &Site, polled: &[Polled]) -> anyhow::Result<Infallible> {
    loop {
        for tenth in polled.chunks(polled.len().div_ceil(TURNS)) {
            let ids: Vec<&str> = tenth.iter().map(|polled| polled.id.as_str()).collect();
            site.sql.execute(SEEN, &[&ids]).await?;
            sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Opens the page of each, and reads what it is told until that is dropped. Each has shown the whole page once.
async fn open(site: &Site, polled: &[Polled]) -> anyhow::Result<JoinSet<()>> {
    let endpoints = site.stack.endpoints();
    let keys = PageKeys::parse(&endpoints.page_keys)?;
    let http = reqwest::Client::builder().pool_max_idle_per_host(0).build()?;
    let mut open = JoinSet::new();
    for Polled { id, .. } in polled {
        let path = page_keys::path(id, &keys.token(id, 1));
        let url = format!("{}{path}/live", endpoints.broker_url);
        let mut response = http.get(url).send().await?.error_for_status()?;
        let mut told = String::new();
        while !told.contains("event: pieces") {
            let chunk = response.chunk().await?.with_context(|| format!("{id}: {told}"))?;
            told.push_str(&String::from_utf8_lossy(&chunk));
        }
        open.spawn(async move { while let Ok(Some(_)) = response.chunk().await {} });
    }
    Ok(open)
}
