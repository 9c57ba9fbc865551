//! The Open Service Broker API and the HTTP-01 responder.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use ::doctor::Command;
use anyhow::Context as _;
use broker_api::settings::Settings;
use broker_api::{
    Broker, app, doctor, health, measure_durations, operator_app, operator_limits, read_figures, reseal_addresses,
    serve,
};
use messaging::Messaging;
use pipeline::Service;
use store::{SharedSettings, Store};
use telemetry::Telemetry;
use tokio::net::TcpListener;

#[derive(clap::Parser)]
#[command(name = "broker-api", version)]
struct Line {
    /// What to do instead of serving.
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[tokio::main]
async fn main() -> ExitCode {
    let (Line { command, settings }, shared) = worker::settings::<Line>("broker-api");
    let done = match command {
        Some(Command::Doctor) => Ok(::doctor::print(doctor::all_checks(&settings, &shared)).await),
        Some(Command::Ready) => Ok(::doctor::ready(settings.health_listen)),
        None => run(settings, shared).await.map(|()| ExitCode::SUCCESS),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("broker-api: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: Settings, shared: SharedSettings) -> anyhow::Result<()> {
    settings.check()?;
    let checks = doctor::checks(&settings, &shared);
    let telemetry = Telemetry::init(&settings.telemetry, "broker-api")?;
    let store = Store::new(&settings.database, "broker-api")?.closed_until_migrated();
    let messaging = Arc::new(Messaging::new(settings.amqp.clone(), "broker-api"));
    let listener = bound("LISTEN", settings.listen).await?;
    let health_listener = bound("HEALTH_LISTEN", settings.health_listen).await?;
    let health = health(worker::health_routes(store.clone(), messaging.clone(), &telemetry));
    // Runs until the process exits, so that probes see it finish the requests in progress.
    tokio::spawn(worker::serve_health(health_listener, health));
    let broker = Broker::new(
        store.clone(),
        messaging.clone(),
        settings.schedules.clone(),
        &settings.broker,
    );
    let operators = match settings.operator.operator_listen.0 {
        Some(address) => {
            let app = operator_app(&settings, &broker)?;
            let listener = bound("OPERATOR_LISTEN", address).await?;
            tracing::info!(operator_listen = %address, "serving the operator's page");
            Some((listener, app))
        }
        None => None,
    };
    // Connect before the first provision needs it. Whether it succeeds doesn't matter yet.
    let early = messaging.clone();
    tokio::spawn(async move { early.ready(Service::Distribution).await });
    tracing::info!(listen = %settings.listen, health_listen = %settings.health_listen, "serving");
    let limits = &settings.broker.limits;
    let grace = settings.shutdown_grace.into();
    let public = serve(listener, app(broker.clone()), limits, worker::shutdown_signal(), grace);
    let for_operators = async {
        let Some((listener, app)) = operators else {
            return Ok(());
        };
        let limits = operator_limits(limits);
        serve(listener, app, &limits, worker::shutdown_signal(), grace).await
    };
    let serving = async { tokio::try_join!(public, for_operators).map(|((), ())| ()) };
    tokio::pin!(serving);
    // The server accepts requests at once, and answers 503 until PostgreSQL is available.
    let served = tokio::select! {
        served = &mut serving => served,
        migrated = worker::migrate_when_there(&store, &shared) => {
            migrated?;
            tokio::spawn(::doctor::log(checks));
            let every = settings.telemetry.log_level_interval.into();
            tokio::spawn(worker::follow_log_level(store.clone(), telemetry.log_level(), every));
            tokio::spawn(measure_durations(store.clone()));
            tokio::spawn(reseal_addresses(broker.clone()));
            tokio::spawn(read_figures(
                store,
                settings.metrics_interval,
                settings.certificate_count_interval,
            ));
            serving.await
        }
    };
    // A message of a request that was accepted last may still be on its way; without it the step waits for the sweeper.
    broker.finish_publishing().await;
    messaging.close().await;
    served.context("serving ended")
}

async fn bound(setting: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("{setting}: can't listen at {address}"))
}
