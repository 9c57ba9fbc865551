//! Vacuum, and what it leaves: with the superuser's rights.

use anyhow::Context as _;
use stack::Endpoints;
use tokio_postgres::{Client, NoTls};

/// A table after a vacuum.
#[derive(Debug)]
pub(crate) struct Filled {
    pub(crate) table: String,
    /// The share of the table that is free, in percent.
    pub(crate) free: f64,
    /// How full the leaves of its indexes are, in percent. `None`: they have no rows.
    pub(crate) leaves: Option<f64>,
}

/// Autovacuum comes once a minute, which would be days of the simulated year: here it comes each second.
pub(crate) async fn hasten_autovacuum(e: &Endpoints) -> anyhow::Result<()> {
    let admin = superuser(e).await?;
    // `alter system` can't be in a batch.
    admin
        .batch_execute("alter system set autovacuum_naptime = '1s'")
        .await?;
    Ok(admin.batch_execute("select pg_reload_conf()").await?)
}

/// Vacuums everything, and looks.
pub(crate) async fn after_vacuum(e: &Endpoints) -> anyhow::Result<Vec<Filled>> {
    let admin = superuser(e).await?;
    admin
        .batch_execute("create extension if not exists pgstattuple")
        .await?;
    admin.batch_execute("vacuum (analyze)").await?;
    let rows = admin.query(include_str!("bloat.sql"), &[]).await?;
    Ok(rows
        .iter()
        .map(|row| Filled {
            table: row.get(0),
            free: row.get(1),
            leaves: row.get(2),
        })
        .collect())
}

/// The services' database.
async fn superuser(e: &Endpoints) -> anyhow::Result<Client> {
    let (server, _) = e.database_admin_url.rsplit_once('/').context("an address")?;
    let (_, database) = e.database_url.rsplit_once('/').context("an address")?;
    let (client, connection) = tokio_postgres::connect(&format!("{server}/{database}"), NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
