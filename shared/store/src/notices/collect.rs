//! Notices become letters, and addresses are asked: by one process for all, every few seconds. So limits hold without a lock that a request
//! would wait for.

use std::collections::BTreeMap;
use std::time::Duration;

use ::notices::Event;
use deadpool_postgres::Transaction;
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::notices::outcome::count_ended;
use crate::statement::{Statement, statement};
use crate::steps::as_millis;
use crate::turn::Turn;

/// The most addresses that one tenant asks in a day.
const ASKED_BY_TENANT: i64 = 20;
/// How often one address is asked in a day, by all tenants.
const ASKED_AT_ADDRESS: i64 = 3;

/// What was made of what was there.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Collected {
    /// Addresses that are asked now.
    pub asked: u64,
    /// Notices that are in letters now, or that nobody is told any more, by event.
    pub notices: BTreeMap<Event, u64>,
    /// Letters whose time was over, or whose recipient has not confirmed within 7 days.
    pub given_up: u64,
}

impl Store {
    /// Asks addresses that were not asked yet, puts the notices that have waited for `window` into letters, with the younger ones of the same
    /// tenant, and gives up letters whose time is over. A tenant that had `per_tenant` letters today has its notices wait. Nothing is
    /// done while another process does it. The letters are published by [`Self::sweep_letters`].
    ///
    /// # Errors
    /// Database errors; then nothing was written.
    pub async fn collect_notices(&self, window: Duration, per_tenant: u32) -> Result<Collected, StoreError> {
        let collected = self
            .in_transaction("notices-collect", async |tx| {
                if !Turn::CollectNotices.take(tx).await? {
                    return Ok(Collected::default());
                }
                let asked = statement!("notices-ask")
                    .run(tx, &[&ASKED_BY_TENANT, &ASKED_AT_ADDRESS])
                    .await?;
                let notices = take(tx, window, per_tenant).await?;
                let given_up = Statement::new(
                    "letters-too-old",
                    "update letters set state = 'given-up', ended_at = now(), content = null, leased_until = null \
                     where (state = 'waiting' and deadline_at < now() and coalesce(leased_until < now(), true)) \
                     or (state = 'held' and created_at < now() - interval '7 days')",
                )
                .run(tx, &[])
                .await?;
                Ok(Collected {
                    asked,
                    notices,
                    given_up,
                })
            })
            .await?;
        for (event, count) in &collected.notices {
            metrics::counter!("notices_total", "event" => event.as_str()).increment(*count);
        }
        count_ended("given-up", collected.given_up);
        Ok(collected)
    }
}

/// Takes the notices that are due, and makes letters of them.
async fn take(tx: &Transaction<'_>, window: Duration, per_tenant: u32) -> Result<BTreeMap<Event, u64>, StoreError> {
    let rows = statement!("notices-take")
        .all(tx, &[&as_millis(window), &i64::from(per_tenant)])
        .await?;
    let mut taken: Vec<Uuid> = Vec::new();
    let mut by_event: BTreeMap<Event, u64> = BTreeMap::new();
    for row in rows {
        taken.push(row.try_get("id")?);
        // A newer program's has no name here, and is told by that program only: here its letter can't be leased.
        if let Ok(event) = row.try_get::<_, String>("event")?.parse::<Event>() {
            *by_event.entry(event).or_default() += 1;
        }
    }
    if taken.is_empty() {
        return Ok(by_event);
    }
    let rows = statement!("notices-lock-recipients").all(tx, &[&taken]).await?;
    let recipients: Vec<Uuid> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    statement!("notices-into-letters")
        .run(tx, &[&taken, &recipients])
        .await?;
    Ok(by_event)
}
