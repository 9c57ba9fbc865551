//! Start, the consuming loop, and the end.

use std::sync::Arc;
use std::time::Duration;

use messaging::{Consumer, Messaging, MessagingError};
use store::{Store, StoreError};
use telemetry::{Telemetry, with_causes};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::args::WorkerArgs;
use crate::delivery::{Desk, deliver};
use crate::handler::Handler;
use crate::health::{health_routes, serve_health};
use crate::shutdown::shutdown_signal;
use crate::sweeper::sweep_for_ever;

/// Why a worker can't run.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The database's schema is not what this program needs, or its settings can't be used.
    #[error("the database can't be used")]
    Store(#[from] StoreError),
    /// Signals or the health port.
    #[error("the operating system refused")]
    Io(#[from] std::io::Error),
}

/// How long to wait before PostgreSQL or RabbitMQ is tried again.
const RECONNECT: Duration = Duration::from_secs(1);

/// Runs a service until it is asked to end, then finishes or gives back what is in hand.
///
/// # Errors
/// When it can't begin.
pub async fn run<H: Handler>(
    handler: H,
    store: Store,
    args: WorkerArgs,
    telemetry: &Telemetry,
) -> Result<(), WorkerError> {
    let routes = health_routes(store.clone(), telemetry);
    let health = tokio::spawn(serve_health(TcpListener::bind(args.health_listen).await?, routes));
    let stopping = CancellationToken::new();
    let on_signal = stopping.clone();
    tokio::spawn(async move {
        // Without signals the process can still be killed, and loses nothing by it.
        let _ = shutdown_signal().await;
        on_signal.cancel();
    });
    let migrated = tokio::select! {
        migrated = migrate_when_there(&store) => migrated,
        () = stopping.cancelled() => return Ok(()),
    };
    migrated?;
    let messaging = Arc::new(Messaging::new(args.amqp.clone(), H::SERVICE.as_str()));
    let desk = Arc::new(Desk {
        handler,
        store,
        messaging: messaging.clone(),
        schedules: args.schedules.clone(),
        // What is in hand when the grace is over is broken off, and its message goes back.
        abandoned: CancellationToken::new(),
    });
    let sweeper = tokio::spawn(sweep_for_ever(
        desk.clone(),
        args.sweep_interval.into(),
        args.sweep_grace.into(),
    ));
    let in_hand = TaskTracker::new();
    let seats = Arc::new(Semaphore::new(usize::from(args.concurrency)));
    tracing::info!(service = H::SERVICE.as_str(), concurrency = args.concurrency, "working");
    // Kept until what is in hand is acknowledged: dropping it gives everything back.
    let mut last_consumer = None;
    while !stopping.is_cancelled() {
        let consumer = tokio::select! {
            consumer = messaging.consume(H::SERVICE, args.concurrency) => consumer,
            () = stopping.cancelled() => break,
        };
        let ended = match consumer {
            Ok(mut consumer) => {
                let ended = consume(&mut consumer, &desk, &in_hand, &seats, &stopping).await;
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
    tracing::info!(in_hand = in_hand.len(), "shutting down");
    sweeper.abort();
    in_hand.close();
    if tokio::time::timeout(args.shutdown_grace.into(), in_hand.wait())
        .await
        .is_err()
    {
        tracing::warn!(
            in_hand = in_hand.len(),
            "the grace is over, giving back what is in hand"
        );
        desk.abandoned.cancel();
        in_hand.wait().await;
    }
    drop(last_consumer);
    messaging.close().await;
    health.abort();
    Ok(())
}

async fn consume<H: Handler>(
    consumer: &mut Consumer,
    desk: &Arc<Desk<H>>,
    in_hand: &TaskTracker,
    seats: &Arc<Semaphore>,
    stopping: &CancellationToken,
) -> Result<(), MessagingError> {
    loop {
        let delivery = tokio::select! {
            delivery = consumer.next() => delivery?,
            () = stopping.cancelled() => return Ok(()),
        };
        // A new consumer after a broken connection brings new messages while old ones are still in hand.
        let Ok(seat) = seats.clone().acquire_owned().await else {
            return Ok(());
        };
        let desk = desk.clone();
        in_hand.spawn(async move {
            deliver(&desk, &delivery).await;
            drop(seat);
        });
    }
}

/// Migrates as soon as PostgreSQL answers.
///
/// # Errors
/// When the schema is newer than this program, which ends the process at once.
pub async fn migrate_when_there(store: &Store) -> Result<(), StoreError> {
    loop {
        match store.migrate().await {
            Err(error @ (StoreError::Unavailable(_) | StoreError::Database { .. })) => {
                tracing::warn!(error = with_causes(&error), "waiting for PostgreSQL");
                tokio::time::sleep(RECONNECT).await;
            }
            result => return result,
        }
    }
}
