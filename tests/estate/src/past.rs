//! The history is pruned as it would be in a year; what the report counts of it is kept elsewhere.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use stack::{Endpoints, Handle};
use store::{DatabaseArgs, Store};
use tokio::time::sleep;
use tokio_postgres::Client;

/// The tables are searched so often in a retention.
const OFTEN: u32 = 90;
/// Pebble's orders are valid for a day, which is many years here; at a CA no order outlives the retention.
const EXPIRED: &str = "update orders r set expires_at = now() from operations o where o.id = r.operation_id \
     and coalesce(o.kept_at, o.ended_at) < now() - $1::float8 * interval '1 second' and r.expires_at > now()";

/// From now on what is deleted is kept elsewhere.
pub(crate) async fn remember(e: &Endpoints) -> anyhow::Result<()> {
    Ok(e.database().await?.batch_execute(include_str!("past.sql")).await?)
}

/// A connection to which operations, steps, orders and certificates are those of the whole year.
pub(crate) async fn whole_year(e: &Endpoints) -> anyhow::Result<Client> {
    let database = e.database().await?;
    database.batch_execute("set search_path = whole_year, public").await?;
    Ok(database)
}

/// The number of operations that were deleted.
pub(crate) async fn deleted(database: &Client) -> anyhow::Result<i64> {
    let count = "select count(*) from past.operations";
    Ok(database.query_one(count, &[]).await?.get(0))
}

/// Deletes what certificate-issuer would delete, whose HISTORY_RETENTION is 8 days at least: none of these.
pub(crate) async fn prune(stack: Arc<Handle>, kept: Duration) -> anyhow::Result<Infallible> {
    let e = stack.endpoints();
    let database = e.database().await?;
    let store = Store::new(&DatabaseArgs::at(&e.database_url), "estate")?;
    loop {
        database.execute(EXPIRED, &[&kept.as_secs_f64()]).await?;
        match store.prune_history(kept).await {
            Err(error) if !error.is_transient() => return Err(error.into()),
            // As a service: the next time.
            _ => sleep(kept / OFTEN).await,
        }
    }
}
