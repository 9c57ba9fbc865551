//! Route 53 (API version 2013-04-01). Each value is a record set of its own: a multivalue answer whose set identifier is
//! the value. So a value is added and removed without a look at the others, and changes commute.

mod batch;
mod call;
mod explain;
mod look;
mod order;
mod pace;
mod quoted;
mod settings;
#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_route53::Client;
use aws_sdk_route53::config::Builder;
use aws_sdk_route53::types::ChangeStatus;
use pipeline::reason::DnsWriteProblem;
use tokio::time::timeout;

use crate::settings::InvalidSetting;
use crate::writer::{DnsWriter, TxtChange, TxtSet, Written};
use batch::{Batch, Wish};
use call::NotChanged;
use pace::Pace;

pub(crate) use settings::Args;

/// Time limit of a change with all its calls.
const CHANGE_LIMIT: Duration = Duration::from_secs(30);
/// Time limit of a list of the zone with all its pages.
const LIST_LIMIT: Duration = Duration::from_secs(120);
/// How often a change is tried again with only what is needed, after a look at what is there.
const LOOKS: usize = 2;
/// Route 53 answers with 8 values of a name at most (Developer Guide, "Multivalue answer routing").
const MOST_SERVED: usize = 8;
/// The server's name for messages.
const SERVER: &str = "Route 53";

/// A hosted zone.
pub(crate) struct Writer {
    client: Client,
    zone_id: String,
    /// The delegation zone: the hosted zone itself, or a name in it.
    below: String,
    pace: Pace,
}

impl Writer {
    /// The writer with these settings. It calls nothing of Route 53.
    pub(crate) async fn open(args: Args, zone: &str) -> Result<Self, InvalidSetting> {
        let zone_id = args.zone_id()?;
        let config = aws::sdk_config().await.map_err(|error| InvalidSetting::Unusable {
            setting: "AWS_REGION",
            why: error.to_string(),
        })?;
        Ok(Self::with(Builder::from(&config), zone_id, zone.to_owned()))
    }

    fn with(config: Builder, zone_id: String, below: String) -> Self {
        let client = Client::from_conf(config.interceptor(aws::Calls("route53")).build());
        Self {
            client,
            zone_id,
            below,
            pace: Pace::default(),
        }
    }

    /// Applies the wishes; if Route 53 refuses the batch because of what is there, only what is needed.
    async fn change(&self, wishes: &[Wish]) -> Result<Written, DnsWriteProblem> {
        let mut changes = Batch::blind(wishes);
        for _ in 0..LOOKS {
            match self.send(changes).await {
                Err(NotChanged::Differs(said)) => tracing::debug!(%said, "Route 53 has other records than expected"),
                Err(NotChanged::Problem(problem)) => return Err(problem),
                Ok(written) => return Ok(written),
            }
            let there = look::at(self, &names(wishes)).await?;
            changes = Batch::beside(wishes, &there);
        }
        self.send(changes).await.map_err(|refused| match refused {
            NotChanged::Problem(problem) => problem,
            NotChanged::Differs(said) => failed(said),
        })
    }

    async fn send(&self, batch: Result<Batch, String>) -> Result<Written, NotChanged> {
        let changes = batch.map_err(|why| NotChanged::Problem(failed(why)))?.0;
        if changes.is_empty() {
            return Ok(Written(None));
        }
        call::change(self, changes).await.map(|id| Written(Some(id)))
    }
}

fn names(wishes: &[Wish]) -> Vec<&str> {
    wishes.iter().map(|wish| wish.name.as_str()).collect()
}

/// Runs one attempt within its time limit.
async fn within<T>(
    limit: Duration,
    whole: impl Future<Output = Result<T, DnsWriteProblem>>,
) -> Result<T, DnsWriteProblem> {
    timeout(limit, whole).await.unwrap_or_else(|_| {
        Err(DnsWriteProblem::Unreachable {
            server: SERVER.to_owned(),
            why: format!("no response within {} s", limit.as_secs()),
        })
    })
}

fn failed(said: impl Into<String>) -> DnsWriteProblem {
    let (server, said) = (SERVER.to_owned(), said.into());
    DnsWriteProblem::Failed { server, said }
}

fn warn_if_not_all_are_served(name: &str, values: usize) {
    if values > MOST_SERVED {
        tracing::warn!(
            name,
            values,
            "Route 53 answers with {MOST_SERVED} values of a name at most, so the CA may not see the one that it looks for: values \
             of orders that have ended must go from there"
        );
    }
}

#[async_trait]
impl DnsWriter for Writer {
    fn most_values(&self) -> usize {
        batch::MOST_VALUES
    }

    async fn apply(&self, changes: &[TxtChange]) -> Result<Written, DnsWriteProblem> {
        let wishes = batch::wishes(changes).map_err(failed)?;
        for wish in &wishes {
            warn_if_not_all_are_served(&wish.name, wish.add.len());
        }
        within(CHANGE_LIMIT, self.change(&wishes)).await
    }

    async fn is_everywhere(&self, written: &Written) -> Result<bool, DnsWriteProblem> {
        let Written(Some(id)) = written else {
            return Ok(true);
        };
        // Route 53 doesn't say for how long it knows a change. One that it knows no longer has arrived.
        let status = call::status(self, id).await?;
        Ok(status.is_none_or(|status| status == ChangeStatus::Insync))
    }

    async fn list(&self) -> Result<Vec<TxtSet>, DnsWriteProblem> {
        within(LIST_LIMIT, look::below(self)).await
    }

    fn server(&self) -> String {
        SERVER.to_owned()
    }
}
