//! A database for each number of instances, on the stack's PostgreSQL: no service works in it, and all of them are
//! there in every round.

use anyhow::{Context as _, ensure};
use customer::platform::{PLAN_ID, SERVICE_ID};
use store::{DatabaseArgs, Store, Task};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::site::Site;
use crate::stored::ordinary;

/// What `renewed.sql` reads.
const GIVEN: &str = "create temporary table given \
    (instances integer, service_id text, plan_id text, settings jsonb, request jsonb)";
/// Instances of which an operation runs, as `renewed.sql` makes them.
const RUNNING: usize = 50;
/// One step of each of them, with its attempt.
const STEPS: &str = "select distinct on (operation_id) id, attempt from steps \
    where state = 'waiting' and kind = 'verify-challenge' order by operation_id, subject";
/// No neighbour of the one before: a prime number.
const STRIDE: usize = 7_919;

/// The instances of one database.
pub(super) struct Estate {
    pub(super) count: i32,
    pub(super) store: Store,
    /// CloudFront's ids of all distributions.
    pub(super) distributions: Vec<String>,
    /// Steps that wait.
    tasks: Vec<Task>,
}

impl Estate {
    /// Makes the database anew.
    ///
    /// # Errors
    /// When the tables have another form.
    pub(super) async fn make(site: &Site, count: i32) -> anyhow::Result<Self> {
        remove(site, count).await?;
        site.sql
            .batch_execute(&format!("create database {}", name(count)))
            .await?;
        let url = url(site, count)?;
        let store = Store::new(&DatabaseArgs::at(&url), "bench")?;
        store.migrate().await?;
        let sql = connect(&url).await?;
        fill(&sql, count).await?;
        let tasks = tasks(&sql, &store).await?;
        ensure!(tasks.len() == RUNNING, "{} operations run, not {RUNNING}", tasks.len());
        let all = "select distribution_id from instances order by distribution_id";
        let rows = sql.query(all, &[]).await?;
        let distributions = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        Ok(Self {
            count,
            store,
            distributions,
            tasks,
        })
    }

    /// A step that waits, each time another one.
    pub(super) fn task(&self, nth: usize) -> &Task {
        &self.tasks[nth % self.tasks.len()]
    }

    /// An instance at rest, each time another one; they are numbered from 1.
    pub(super) fn at_rest(&self, nth: usize) -> String {
        let others = self.distributions.len() - RUNNING;
        format!("renewed-{}", RUNNING + 1 + nth * STRIDE % others)
    }

    /// CloudFront's id of a distribution, each time another one.
    pub(super) fn distribution(&self, nth: usize) -> &str {
        &self.distributions[nth * STRIDE % self.distributions.len()]
    }
}

/// Removes the database of so many instances, if it is there.
///
/// # Errors
/// Of the database.
pub(super) async fn remove(site: &Site, count: i32) -> anyhow::Result<()> {
    let statement = format!("drop database if exists {} with (force)", name(count));
    Ok(site.sql.batch_execute(&statement).await?)
}

/// Writes everything to disk, so that it isn't written while something is measured.
///
/// # Errors
/// Of the database.
pub(super) async fn write_all(site: &Site) -> anyhow::Result<()> {
    let superuser = connect(&site.stack.endpoints().database_admin_url).await?;
    Ok(superuser.batch_execute("checkpoint").await?)
}

fn name(count: i32) -> String {
    format!("bench_stored_{count}")
}

/// As that of the services' database, which the address ends with.
fn url(site: &Site, count: i32) -> anyhow::Result<String> {
    let (server, _) = site
        .stack
        .endpoints()
        .database_url
        .rsplit_once('/')
        .context("an address of a database")?;
    Ok(format!("{server}/{}", name(count)))
}

async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn fill(sql: &Client, count: i32) -> anyhow::Result<()> {
    let parameters = ordinary("any", &["www.example.net".to_owned()])?;
    sql.batch_execute(GIVEN).await?;
    sql.execute(
        "insert into given values ($1, $2, $3, $4, $5)",
        &[&count, &SERVICE_ID, &PLAN_ID, &parameters.settings, &parameters.request],
    )
    .await?;
    // A batch is one transaction; `vacuum` can't be in it.
    sql.batch_execute(include_str!("renewed.sql")).await?;
    Ok(sql.batch_execute("vacuum analyze").await?)
}

async fn tasks(sql: &Client, store: &Store) -> anyhow::Result<Vec<Task>> {
    let mut tasks = Vec::new();
    for row in sql.query(STEPS, &[]).await? {
        let (step, attempt): (Uuid, i32) = (row.try_get(0)?, row.try_get(1)?);
        tasks.push(store.load_task(step, attempt).await?.context("a step that waits")?);
    }
    Ok(tasks)
}
