//! Polls of last_operation at a fixed rate, as a platform sends them: with the operation from the 202 answer.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::load::{Answered, Load};
use crate::site::{Site, domains};

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
    let lines = polled.iter().map(|Polled { id, operation }| {
        format!("{base}/v2/service_instances/{id}/last_operation?operation={operation}\n")
    });
    std::fs::write(&path, lines.collect::<String>())?;
    Ok(path)
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
