//! Polls of last_operation, as a platform sends them: with the operation from the 202 answer.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::ensure;
use futures_util::future::try_join_all;

use crate::load::{Answered, Load};
use crate::site::{PATIENCE, Site, domains};

/// What is polled.
pub(crate) struct Polled {
    /// The instance.
    pub(crate) id: String,
    /// Its operation.
    pub(crate) operation: String,
}

/// Requests instances of so many domains each, whose records nobody sets. Their ids are `name` and a number.
///
/// # Errors
/// When one is not accepted.
pub(crate) async fn begin(site: &Site, name: &str, instances: usize, each: usize) -> anyhow::Result<Vec<Polled>> {
    let mut begun = Vec::new();
    for number in 0..instances {
        let id = format!("{name}-{number}");
        let organization = format!("{name}-organization-{}", number % 50);
        let operation = site.request(&id, &organization, &domains(&id, each)).await?;
        begun.push(Polled { id, operation });
    }
    Ok(begun)
}

/// Writes a file with the addresses at which the server at `base` is polled.
///
/// # Errors
/// When it can't be written.
pub(crate) fn addresses(site: &Site, whose: &str, base: &str, polled: &[Polled]) -> anyhow::Result<PathBuf> {
    let path = site.stack.endpoints().folder.join(format!("{whose}-urls.txt"));
    let lines = polled.iter().map(|polled| polled.url(base) + "\n");
    std::fs::write(&path, lines.collect::<String>())?;
    Ok(path)
}

impl Polled {
    /// The address at which the server at `base` is polled.
    fn url(&self, base: &str) -> String {
        let Self { id, operation } = self;
        format!("{base}/v2/service_instances/{id}/last_operation?operation={operation}")
    }
}

/// Polls each once, over so many connections, on each of which one poll follows the other. How long each took, the quickest first.
///
/// # Errors
/// When an answer is not 200.
pub(crate) async fn each(
    site: &Site,
    base: &str,
    polled: &[Polled],
    connections: usize,
) -> anyhow::Result<Vec<Duration>> {
    let endpoints = site.stack.endpoints();
    let shares = polled
        .chunks(polled.len().div_ceil(connections))
        .map(|share| async move {
            let http = reqwest::Client::builder().timeout(PATIENCE).build()?;
            let mut took = Vec::new();
            // Opens the connection, whatever the answer is.
            http.get(base).send().await?.bytes().await?;
            for polled in share {
                let request = http
                    .get(polled.url(base))
                    .basic_auth(&endpoints.broker_username, Some(&endpoints.broker_password))
                    .header("X-Broker-API-Version", "2.17");
                let began = Instant::now();
                let answer = request.send().await?;
                let status = answer.status();
                answer.bytes().await?;
                ensure!(status == 200, "{}: {status}", polled.id);
                took.push(began.elapsed());
            }
            anyhow::Ok(took)
        });
    let mut took = try_join_all(shares).await?.concat();
    took.sort_unstable();
    Ok(took)
}

/// Polls the addresses in a file at random.
///
/// # Errors
/// When an answer is not 200.
pub(crate) async fn send(site: &Site, urls: &Path, rate: u32, lasts: Duration) -> anyhow::Result<Answered> {
    let endpoints = site.stack.endpoints();
    let login = (endpoints.broker_username.as_str(), endpoints.broker_password.as_str());
    let load = Load {
        urls,
        rate,
        lasts,
        login,
    };
    load.send().await
}
