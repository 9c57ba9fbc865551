//! Startup, the consuming loop, and shutdown.

use std::sync::Arc;
use std::time::Duration;

use messaging::{Consumer, Messaging, MessagingError};
use store::{SharedSettings, Store, StoreError};
use telemetry::{Telemetry, with_causes};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::args::WorkerArgs;
use crate::chore::do_chores;
use crate::desk::Desk;
use crate::health::{serve_health, worker_routes};
use crate::log_level::follow_log_level;
use crate::peers::Peers;
use crate::shutdown::shutdown_signal;
use crate::sweeper::{Sweeping, sweep_for_ever};
use crate::work::Work;

/// Why a worker can't run.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The database's schema is not what this program needs, or its settings are invalid.
    #[error("the database can't be used")]
    Store(#[from] StoreError),
    /// Signals or the health port.
    #[error("the operating system refused")]
    Io(#[from] std::io::Error),
}

/// How long a cancelled consumer may take to deliver the messages that RabbitMQ has already sent to it.
const DRAINING: Duration = Duration::from_secs(15);
/// The delay before PostgreSQL or RabbitMQ is tried again.
const RECONNECT: Duration = Duration::from_secs(1);

/// Runs a service until it is asked to stop, then finishes or requeues the messages that are being processed. Once the
/// service works, `checks` run beside it, and their results are logged.
///
/// # Errors
/// When it can't start.
pub async fn run<W: Work>(
    work: W,
    store: Store,
    args: WorkerArgs,
    shared: SharedSettings,
    telemetry: &Telemetry,
    checks: Vec<doctor::Check>,
) -> Result<(), WorkerError> {
    let peers = Arc::new(Peers::default());
    peers.set_consuming(false);
    let messaging = Arc::new(Messaging::new(args.amqp.clone(), W::SERVICE.as_str()));
    let routes = worker_routes(store.clone(), messaging.clone(), peers.clone(), telemetry);
    let health = tokio::spawn(serve_health(TcpListener::bind(args.health_listen).await?, routes));
    let stopping = cancelled_by_signal();
    let migrated = tokio::select! {
        migrated = migrate_when_there(&store, &shared) => migrated,
        () = stopping.cancelled() => return Ok(()),
    };
    migrated?;
    let every = args.telemetry.log_level_interval.into();
    let following = follow_log_level(store.clone(), telemetry.log_level(), every);
    let _following = AbortOnDropHandle::new(tokio::spawn(following));
    let desk = Arc::new(Desk {
        work,
        store,
        messaging: messaging.clone(),
        // An attempt that still runs when the grace period is over is aborted, and its message is requeued.
        abandoned: CancellationToken::new(),
        peers,
    });
    let sweeping = Sweeping {
        interval: args.sweep_interval.into(),
        grace: args.sweep_grace.into(),
        rate: args.sweep_rate,
    };
    let sweeper = tokio::spawn(sweep_for_ever(desk.clone(), sweeping));
    let chores = tokio::spawn(do_chores(desk.clone()));
    let in_hand = TaskTracker::new();
    let held = args.concurrency.saturating_add(W::AHEAD);
    tracing::info!(service = W::SERVICE.as_str(), concurrency = args.concurrency, "working");
    let _doctor = AbortOnDropHandle::new(tokio::spawn(doctor::log(checks)));
    let last_consumer = consume_for_ever(&desk, &in_hand, held, &stopping).await;
    tracing::info!(in_hand = in_hand.len(), "shutting down");
    sweeper.abort();
    chores.abort();
    finish(&desk, &in_hand, args.shutdown_grace.into()).await;
    drop(last_consumer);
    messaging.close().await;
    health.abort();
    Ok(())
}

/// Cancelled when this process is asked to stop.
fn cancelled_by_signal() -> CancellationToken {
    let stopping = CancellationToken::new();
    let on_signal = stopping.clone();
    tokio::spawn(async move {
        // Without signals the process can still be killed, and loses nothing by it.
        let _ = shutdown_signal().await;
        on_signal.cancel();
    });
    stopping
}

/// Consumes, again and again, until it is asked to stop.
async fn consume_for_ever<W: Work>(
    desk: &Arc<Desk<W>>,
    in_hand: &TaskTracker,
    held: u16,
    stopping: &CancellationToken,
) -> Option<Consumer> {
    // Kept until the messages that are being processed are acknowledged: dropping it requeues them all.
    let mut last_consumer = None;
    let hands = Arc::new(Semaphore::new(usize::from(held)));
    while !stopping.is_cancelled() {
        let consumer = tokio::select! {
            consumer = async {
                database_there(&desk.store).await;
                desk.messaging.consume(W::SERVICE, held).await
            } => consumer,
            () = stopping.cancelled() => break,
        };
        let ended = match consumer {
            Ok(mut consumer) => {
                desk.peers.set_consuming(true);
                let ended = consume(&mut consumer, desk, in_hand, &hands, stopping).await;
                desk.peers.set_consuming(false);
                if ended.is_ok() {
                    consumer.stop().await;
                }
                last_consumer = Some(consumer);
                ended
            }
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            tracing::warn!(error = with_causes(&error), "consuming again in a moment");
            tokio::select! {
                () = tokio::time::sleep(RECONNECT) => {}
                () = stopping.cancelled() => {}
            }
        }
    }
    last_consumer
}

/// Finishes the messages that are being processed, and requeues those that are left when the grace period is over.
async fn finish<W: Work>(desk: &Desk<W>, in_hand: &TaskTracker, grace: Duration) {
    in_hand.close();
    if tokio::time::timeout(grace, in_hand.wait()).await.is_err() {
        tracing::warn!(
            in_hand = in_hand.len(),
            "the grace period is over, messages in hand are requeued"
        );
        desk.abandoned.cancel();
        in_hand.wait().await;
    }
}

async fn consume<W: Work>(
    consumer: &mut Consumer,
    desk: &Arc<Desk<W>>,
    in_hand: &TaskTracker,
    hands: &Arc<Semaphore>,
    stopping: &CancellationToken,
) -> Result<(), MessagingError> {
    let mut pausing_until = None;
    loop {
        let delivery = tokio::select! {
            delivery = consumer.next() => match delivery {
                Err(_) if pausing_until.is_some() => return Ok(()),
                delivery => delivery?,
            },
            () = stopping.cancelled() => return Ok(()),
            () = desk.peers.consume_again(), if pausing_until.is_none() => {
                // Messages that were already sent are still delivered, and then the stream ends.
                consumer.stop().await;
                pausing_until = Some(Instant::now() + DRAINING);
                continue;
            }
            // A half-open connection never ends the stream.
            () = sleep_until(pausing_until.unwrap_or_else(Instant::now)), if pausing_until.is_some() => return Ok(()),
        };
        desk.peers.delivered();
        // After a broken connection, a new consumer delivers new messages while old ones are still being processed.
        let hand = tokio::select! {
            hand = hands.clone().acquire_owned() => hand,
            () = stopping.cancelled() => return Ok(()),
        };
        let Ok(hand) = hand else { return Ok(()) };
        let desk = desk.clone();
        in_hand.spawn(async move {
            W::deliver(&desk, &delivery).await;
            drop(hand);
        });
    }
}

/// Waits until PostgreSQL answers: a message whose step can't be loaded is better left in its queue.
async fn database_there(store: &Store) {
    while let Err(error) = store.ping().await {
        tracing::warn!(error = with_causes(&error), "waiting for PostgreSQL");
        tokio::time::sleep(RECONNECT).await;
    }
}

/// Migrates as soon as PostgreSQL answers and lets it, and records the service's values of the settings that it shares with
/// others. A migration that conflicted with requests, as in a deadlock, is run again.
///
/// # Errors
/// When the schema is newer than this program, or a migration is refused: waiting doesn't fix that.
pub async fn migrate_when_there(store: &Store, shared: &SharedSettings) -> Result<(), StoreError> {
    loop {
        let migrated = async {
            store.migrate().await?;
            store.record_settings(shared).await
        };
        match migrated.await {
            Err(error) if error.is_transient() => {
                tracing::warn!(error = with_causes(&error), "waiting for PostgreSQL");
                tokio::time::sleep(RECONNECT).await;
            }
            result => return result,
        }
    }
}
