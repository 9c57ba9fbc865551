//! The floor of a step that does nothing: its message is consumed, one guarded UPDATE is made, the next wake-up is
//! published with a confirmation, the message is acknowledged. As many at once as challenge-verifier has.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use futures_util::StreamExt as _;
use futures_util::future::try_join_all;
use lapin::Consumer;
use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use messaging::Message;
use serde_json::{Value, json};
use store::DatabaseArgs;
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_postgres::NoTls;
use uuid::Uuid;

use crate::floor::queues::Queues;
use crate::site::Site;

/// Beside the product's own table, so that no worker finds the rows; indexes included.
const TABLE: &str = "create schema if not exists bench; drop table if exists bench.engine_steps; \
    create table bench.engine_steps (like steps including all)";
const FILL: &str = "insert into bench.engine_steps \
        (id, operation_id, kind, service, subject, round, state, due_at, deadline_at, rung_at) \
    select gen_random_uuid(), gen_random_uuid(), 'verify-challenge', 'challenge-verifier', 'd0.example.com', 1, \
        'waiting', now(), now() + interval '7 days', now() from generate_series(1, $1::integer) returning id";
const UPDATE: &str = "update bench.engine_steps set attempt = attempt + 1, reason = $3::jsonb, checked_at = now(), \
        rung_at = now(), due_at = now() + $4::float8 * interval '1 second' \
    where id = $1 and attempt = $2 and state is not distinct from 'waiting'";
const RECORDED: &str = "select checked_at from bench.engine_steps where checked_at is not null";
/// None comes back while the others are measured.
const DELAY: Duration = Duration::from_secs(300);
/// The services' `CONCURRENCY` as it ships, and the messages that challenge-verifier receives ahead.
const ATTEMPTS: usize = 16;
const HELD: u16 = 32;
/// Messages that are published together.
const AT_ONCE: usize = 500;

/// Does so many steps. Returns when each was recorded.
///
/// # Errors
/// Of the database or RabbitMQ.
pub(crate) async fn run(site: &Site, steps: i32) -> anyhow::Result<Vec<OffsetDateTime>> {
    site.sql.batch_execute(TABLE).await?;
    let rows = site.sql.query(FILL, &[&steps]).await?;
    site.sql.batch_execute("vacuum analyze bench.engine_steps").await?;
    let floor = Arc::new(Floor::open(site).await?);
    for some in rows.chunks(AT_ONCE) {
        let bodies = some
            .iter()
            .map(|row| anyhow::Ok(Message::new(row.try_get(0)?, 0).body()));
        let bodies: Vec<Vec<u8>> = bodies.collect::<anyhow::Result<_>>()?;
        let publishing = bodies.iter().map(|body| floor.queues.publish(&floor.queues.work, body));
        try_join_all(publishing).await?;
    }
    let mut consumer = floor.queues.consume(HELD).await?;
    floor.clone().consume(&mut consumer, rows.len()).await?;
    // Before the consumer is dropped: lapin would cancel it then, and not expect the answer.
    floor.queues.end().await?;
    let recorded = site.sql.query(RECORDED, &[]).await?;
    ensure!(recorded.len() == rows.len(), "only {} were recorded", recorded.len());
    recorded.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

struct Floor {
    pool: Pool,
    queues: Queues,
    hands: Semaphore,
    reason: Value,
}

impl Floor {
    async fn open(site: &Site) -> anyhow::Result<Self> {
        Ok(Self {
            pool: pool(&site.stack.endpoints().database_url).await?,
            queues: Queues::declare(site, DELAY).await?,
            hands: Semaphore::new(ATTEMPTS),
            reason: json!({"v": 1, "broker": "no-challenges-yet"}),
        })
    }

    /// No more tasks run at once than messages may be in hand.
    async fn consume(self: Arc<Self>, consumer: &mut Consumer, messages: usize) -> anyhow::Result<()> {
        let mut tasks = JoinSet::new();
        for _ in 0..messages {
            let delivery = consumer.next().await.context("the consumer has ended")??;
            let floor = self.clone();
            tasks.spawn(async move { floor.step(&delivery).await });
            while let Some(done) = tasks.try_join_next() {
                done??;
            }
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        Ok(())
    }

    async fn step(&self, delivery: &Delivery) -> anyhow::Result<()> {
        let _hand = self.hands.acquire().await?;
        let message = Message::parse(&delivery.data).map_err(|problem| anyhow!(problem))?;
        self.record(message.step, message.attempt).await?;
        let next = Message::new(message.step, message.attempt + 1).body();
        self.queues.publish(&self.queues.delay, &next).await?;
        delivery.ack(BasicAckOptions::default()).await?;
        Ok(())
    }

    async fn record(&self, step: Uuid, attempt: i32) -> anyhow::Result<()> {
        let client = self.pool.get().await?;
        let update = client.prepare_cached(UPDATE).await?;
        let seconds = DELAY.as_secs_f64();
        let written = client
            .execute(&update, &[&step, &attempt, &self.reason, &seconds])
            .await?;
        ensure!(written == 1, "step {step} was not at attempt {attempt}");
        Ok(())
    }
}

/// As large as a worker's, its connections open and the statement prepared, as a worker's are that has worked before.
async fn pool(url: &str) -> anyhow::Result<Pool> {
    let recycling_method = RecyclingMethod::Fast;
    let manager = Manager::from_config(url.parse()?, NoTls, ManagerConfig { recycling_method });
    let size = DatabaseArgs::at(url).database_pool_size;
    let pool = Pool::builder(manager).max_size(size).runtime(Runtime::Tokio1).build()?;
    let clients = try_join_all((0..size).map(|_| pool.get())).await?;
    for client in &clients {
        client.prepare_cached(UPDATE).await?;
    }
    drop(clients);
    Ok(pool)
}
