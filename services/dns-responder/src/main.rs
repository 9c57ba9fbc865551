//! Answers for the broker's own DNS zone.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use ::doctor::Command;
use anyhow::{Context as _, anyhow};
use dns_responder::board::Board;
use dns_responder::feed::{self, Feeding};
use dns_responder::responder::Responder;
use dns_responder::settings::Settings;
use dns_responder::tcp::Tcp;
use dns_responder::{doctor, health, udp};
use store::Store;
use telemetry::Telemetry;
use tokio::net::{TcpListener, UdpSocket};
use tokio_util::sync::CancellationToken;

#[derive(clap::Parser)]
#[command(name = "dns-responder", version)]
struct Line {
    /// What to do instead of serving.
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[tokio::main]
async fn main() -> ExitCode {
    // It only reads the database, so it doesn't record there what it shares with others.
    let (Line { command, settings }, _) = worker::settings::<Line>("dns-responder");
    let done = match command {
        Some(Command::Doctor) => Ok(::doctor::print(doctor::checks(&settings)).await),
        Some(Command::Ready) => Ok(::doctor::ready(settings.health_listen)),
        None => run(settings).await.map(|()| ExitCode::SUCCESS),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("dns-responder: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: Settings) -> anyhow::Result<()> {
    let zone = settings.zone.zone()?;
    let cookies = settings.limits.cookies().map_err(|why| anyhow!(why))?;
    let checks = doctor::checks(&settings);
    let telemetry = Telemetry::init(&settings.telemetry, "dns-responder")?;
    let store = Store::new(&settings.database, "dns-responder")?;
    let board = Arc::new(Board::new(settings.zone.old_after()));
    let mut sockets = Vec::new();
    for address in &settings.dns_listen {
        sockets.push(bound(*address).await?);
    }
    let health_listener = TcpListener::bind(settings.health_listen)
        .await
        .with_context(|| format!("HEALTH_LISTEN: can't listen at {}", settings.health_listen))?;
    let routes = health::routes(board.clone(), &telemetry);
    tokio::spawn(worker::serve_health(health_listener, routes));
    let feeding = Feeding {
        database: settings.database.clone(),
        zone: settings.zone.delegation_zone.to_string(),
        interval: settings.zone.zone_read_interval.into(),
    };
    let fed = board.clone();
    tokio::spawn(async move { feed::follow(&feeding, &fed).await });
    let (level, every) = (telemetry.log_level(), settings.telemetry.log_level_interval.into());
    let read = board.clone();
    tokio::spawn(async move {
        // Before that the tables may not be there.
        read.loaded().await;
        tokio::spawn(::doctor::log(checks));
        worker::follow_log_level(store, level, every).await;
    });
    let responder = Responder::new(zone, board, cookies, settings.limits.rate_limit());
    serve(sockets, Arc::new(responder), &settings).await
}

async fn bound(address: SocketAddr) -> anyhow::Result<(UdpSocket, TcpListener)> {
    let refused = || format!("DNS_LISTEN: can't listen at {address}");
    let udp = UdpSocket::bind(address).await.with_context(refused)?;
    let tcp = TcpListener::bind(address).await.with_context(refused)?;
    Ok((udp, tcp))
}

/// Answers until SIGTERM and the grace after it.
async fn serve(
    sockets: Vec<(UdpSocket, TcpListener)>,
    responder: Arc<Responder>,
    settings: &Settings,
) -> anyhow::Result<()> {
    let stopping = CancellationToken::new();
    let tcp = Arc::new(Tcp::new(responder.clone(), settings.limits.tcp(), stopping.clone()));
    for (datagrams, listener) in sockets {
        let (responder, tcp) = (responder.clone(), tcp.clone());
        tokio::spawn(async move { udp::serve(&datagrams, &responder).await });
        tokio::spawn(async move { tcp.serve(&listener).await });
    }
    tracing::info!(dns_listen = ?settings.dns_listen, zone = %settings.zone.delegation_zone, "answering");
    worker::shutdown_signal().await?;
    tracing::info!("shutting down");
    let grace = settings.shutdown_grace.into();
    tokio::time::sleep(grace).await;
    stopping.cancel();
    // A client that doesn't read its answer is not waited for.
    let _ = tokio::time::timeout(grace, tcp.ended()).await;
    Ok(())
}
