//! The floor of last_operation: the same axum, a pool of the same size, one SELECT by primary key, the same bytes.

use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use store::DatabaseArgs;
use tokio_postgres::NoTls;

use crate::floor::server::{self, Server};
use crate::site::Site;

const TABLE: &str = "create schema if not exists bench; drop table if exists bench.answers; \
    create table bench.answers (id text primary key, body text not null)";
const ANSWER: &str = "select body from bench.answers where id = $1";
/// How long a request waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts it, with what broker-api answers for these instances now.
///
/// # Errors
/// When an answer isn't 200, or the server doesn't start.
pub(crate) async fn start(site: &Site, instances: &[&str]) -> anyhow::Result<Server> {
    site.sql.batch_execute(TABLE).await?;
    for id in instances {
        let answer = site.platform.last_operation(id).await?;
        anyhow::ensure!(answer.status == 200, "{id}: {} {}", answer.status, answer.text);
        let insert = "insert into bench.answers (id, body) values ($1, $2)";
        site.sql.execute(insert, &[id, &answer.text]).await?;
    }
    site.sql.batch_execute("vacuum analyze bench.answers").await?;
    let url = site.stack.endpoints().database_url.as_str();
    Server::start("answers", &[("DATABASE_URL", url)]).await
}

/// The server itself.
///
/// # Errors
/// When it can't listen, or has no database.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let url = std::env::var("DATABASE_URL").context("DATABASE_URL")?;
    let app = Router::new()
        .route("/v2/service_instances/{id}/last_operation", get(answer))
        .with_state(pool(&url)?);
    server::serve(app).await
}

/// As large as broker-api's pool for last_operation (`store::Store::new`).
fn pool(url: &str) -> anyhow::Result<Pool> {
    let recycling_method = RecyclingMethod::Fast;
    let manager = Manager::from_config(url.parse()?, NoTls, ManagerConfig { recycling_method });
    Ok(Pool::builder(manager)
        .max_size(DatabaseArgs::at(url).database_pool_size.div_ceil(2))
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(PATIENCE))
        .build()?)
}

async fn answer(State(pool): State<Pool>, Path(id): Path<String>) -> Response {
    match body(&pool, &id).await {
        Ok(Some(body)) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error:#}")).into_response(),
    }
}

async fn body(pool: &Pool, id: &str) -> anyhow::Result<Option<String>> {
    let client = pool.get().await?;
    let statement = client.prepare_cached(ANSWER).await?;
    let row = client.query_opt(&statement, &[&id]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}
