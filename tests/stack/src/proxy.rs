//! A TCP proxy that delays, cuts and swallows: the network between a service and its peer.
//!
//! Each chunk is stamped when it is read and written half a round trip later, so that latency doesn't limit throughput.

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context;
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::endpoints::ProxyEndpoint;

/// Chunks of up to this size …
const CHUNK: usize = 16 * 1024;
/// … and as many under way in one direction: more than any peer here sends in a round trip.
const UNDER_WAY: usize = 1024;

/// A proxy. Runs on the supervisor's local tasks.
pub(crate) struct Proxy {
    endpoint: ProxyEndpoint,
    weather: Weather,
    accepting: Option<JoinHandle<()>>,
}

/// What happens to what goes through a proxy.
#[derive(Clone)]
struct Weather {
    latency: Rc<Cell<Duration>>,
    /// While true no byte comes out at either side, nor does the end of a connection.
    black_hole: watch::Sender<bool>,
}

impl Weather {
    /// Waits while there is a black hole.
    async fn passable(&self) {
        // The sender is a part of ourselves, so that this ends only by the black hole's end.
        self.black_hole.subscribe().wait_for(|hole| !hole).await.ok();
    }
}

impl Proxy {
    /// Starts it on a port of 127.0.0.1 before another port there.
    pub(crate) async fn start(port: u16, target: u16, latency: Duration) -> anyhow::Result<Self> {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let endpoint = ProxyEndpoint {
            listen: at(port),
            target: at(target),
        };
        let mut proxy = Self {
            endpoint,
            weather: Weather {
                latency: Rc::new(Cell::new(latency)),
                black_hole: watch::Sender::new(false),
            },
            accepting: None,
        };
        proxy.connect().await?;
        Ok(proxy)
    }

    /// Where it listens and what is behind it.
    pub(crate) fn endpoint(&self) -> &ProxyEndpoint {
        &self.endpoint
    }

    /// Changes the round trip it adds, for what is read from now on.
    pub(crate) fn set_latency(&self, latency: Duration) {
        self.weather.latency.set(latency);
    }

    /// Keeps connections open and takes new ones, but lets no byte out until it is lifted; then all of them flow on.
    pub(crate) fn set_black_hole(&self, hole: bool) {
        self.weather.black_hole.send_replace(hole);
    }

    /// Closes all connections and refuses new ones.
    pub(crate) async fn cut(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            // Once it is gone, so are the listener and all connections.
            accepting.await.ok();
        }
    }

    /// Takes connections (again).
    pub(crate) async fn connect(&mut self) -> anyhow::Result<()> {
        if self.accepting.is_none() {
            let listen = self.endpoint.listen;
            let listener = TcpListener::bind(listen)
                .await
                .with_context(|| format!("proxy at {listen}"))?;
            self.accepting = Some(tokio::task::spawn_local(accept(
                listener,
                self.endpoint.target,
                self.weather.clone(),
            )));
        }
        Ok(())
    }
}

/// Accepts until aborted; dropping the set ends the connections.
async fn accept(listener: TcpListener, target: SocketAddr, weather: Weather) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    connections.spawn_local(relay(client, target, weather.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection, until both directions have ended.
async fn relay(client: TcpStream, target: SocketAddr, weather: Weather) -> std::io::Result<()> {
    let server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // An error in one direction ends the other: a reset must arrive as one.
    tokio::try_join!(
        direction(from_client, to_server, &weather),
        direction(from_server, to_client, &weather)
    )?;
    Ok(())
}

async fn direction(from: OwnedReadHalf, to: OwnedWriteHalf, weather: &Weather) -> std::io::Result<()> {
    let (queue, queued) = mpsc::channel(UNDER_WAY);
    tokio::try_join!(read(from, queue, weather), write(to, queued, weather))?;
    Ok(())
}

async fn read(
    mut from: OwnedReadHalf,
    queue: mpsc::Sender<(Instant, Bytes)>,
    weather: &Weather,
) -> std::io::Result<()> {
    loop {
        let mut chunk = BytesMut::with_capacity(CHUNK);
        let read = match from.read_buf(&mut chunk).await {
            Ok(read) => read,
            Err(reset) => {
                weather.passable().await;
                return Err(reset);
            }
        };
        let due = Instant::now() + weather.latency.get() / 2;
        // An empty chunk stands for the end.
        if queue.send((due, chunk.freeze())).await.is_err() || read == 0 {
            return Ok(());
        }
    }
}

async fn write(
    mut to: OwnedWriteHalf,
    mut queued: mpsc::Receiver<(Instant, Bytes)>,
    weather: &Weather,
) -> std::io::Result<()> {
    while let Some((due, chunk)) = queued.recv().await {
        if due > Instant::now() {
            sleep_until(due).await;
        }
        weather.passable().await;
        if chunk.is_empty() {
            break;
        }
        to.write_all(&chunk).await?;
    }
    to.shutdown().await
}
