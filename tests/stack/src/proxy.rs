//! A TCP proxy that delays, cuts and swallows traffic: the network between a service and its peer.
//!
//! Each chunk is stamped when it is read and written half a round trip later, so that latency doesn't limit throughput.

use std::cell::Cell;
use std::collections::BTreeMap;
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

/// The largest chunk …
const CHUNK: usize = 16 * 1024;
/// … and the most chunks in transit in one direction: more than any peer here sends in a round trip.
const UNDER_WAY: usize = 1024;

/// The conditions for traffic.
#[derive(Clone)]
struct Conditions {
    latency: Rc<Cell<Duration>>,
    /// While true no byte is delivered at either side, nor the end of a connection.
    black_hole: watch::Sender<bool>,
    /// While true there are no connections.
    cut: watch::Sender<bool>,
}

impl Conditions {
    fn new(latency: Duration) -> Self {
        Self {
            latency: Rc::new(Cell::new(latency)),
            black_hole: watch::Sender::new(false),
            cut: watch::Sender::new(false),
        }
    }
}

/// The conditions of one connection: the proxy's, and its process's own.
struct Weather {
    all: Conditions,
    own: Option<Conditions>,
}

impl Weather {
    fn latency(&self) -> Duration {
        let own = self.own.as_ref().map_or(Duration::ZERO, |own| own.latency.get());
        self.all.latency.get() + own
    }

    /// Waits while there is a black hole.
    async fn passable(&self) {
        // This struct owns the senders, so the wait ends only when the black holes end.
        for conditions in [Some(&self.all), self.own.as_ref()].into_iter().flatten() {
            conditions.black_hole.subscribe().wait_for(|hole| !hole).await.ok();
        }
    }

    /// Waits for a cut.
    async fn cut(&self) {
        match &self.own {
            Some(own) => drop(own.cut.subscribe().wait_for(|cut| *cut).await),
            None => std::future::pending().await,
        }
    }
}

/// Identifies processes by their connections' addresses.
type Who = Rc<dyn Fn(SocketAddr) -> Option<String>>;

/// Processes that share a proxy, each with its own conditions.
#[derive(Clone)]
struct Callers {
    who: Who,
    conditions: Rc<BTreeMap<String, Conditions>>,
}

/// A proxy. Runs on the supervisor's local tasks.
pub(crate) struct Proxy {
    endpoint: ProxyEndpoint,
    conditions: Conditions,
    callers: Option<Callers>,
    accepting: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts it on a port of 127.0.0.1 in front of another port there.
    pub(crate) async fn start(port: u16, target: u16, latency: Duration) -> anyhow::Result<Self> {
        Self::start_with(port, target, latency, None).await
    }

    /// The same for these processes, identified by `who`.
    pub(crate) async fn start_shared(
        port: u16,
        target: u16,
        latency: Duration,
        processes: &[String],
        who: Who,
    ) -> anyhow::Result<Self> {
        let conditions = processes
            .iter()
            .map(|process| (process.clone(), Conditions::new(Duration::ZERO)))
            .collect();
        let callers = Callers {
            who,
            conditions: Rc::new(conditions),
        };
        Self::start_with(port, target, latency, Some(callers)).await
    }

    async fn start_with(port: u16, target: u16, latency: Duration, callers: Option<Callers>) -> anyhow::Result<Self> {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let endpoint = ProxyEndpoint {
            listen: at(port),
            target: at(target),
        };
        let mut proxy = Self {
            endpoint,
            conditions: Conditions::new(latency),
            callers,
            accepting: None,
        };
        proxy.connect().await?;
        Ok(proxy)
    }

    /// Its listen address and its target.
    pub(crate) fn endpoint(&self) -> &ProxyEndpoint {
        &self.endpoint
    }

    /// The processes that have their own conditions.
    pub(crate) fn callers(&self) -> impl Iterator<Item = &String> {
        self.callers.iter().flat_map(|callers| callers.conditions.keys())
    }

    /// Adjusts the conditions of one process that shares this proxy: round trip, cut, black hole.
    pub(crate) fn adjust_caller(
        &self,
        process: &str,
        latency: Option<Duration>,
        cut: Option<bool>,
        black_hole: Option<bool>,
    ) -> anyhow::Result<()> {
        let conditions = self
            .callers
            .as_ref()
            .and_then(|callers| callers.conditions.get(process));
        let conditions = conditions.with_context(|| format!("{process} has no link here"))?;
        if let Some(latency) = latency {
            conditions.latency.set(latency);
        }
        if let Some(hole) = black_hole {
            conditions.black_hole.send_replace(hole);
        }
        if let Some(cut) = cut {
            conditions.cut.send_replace(cut);
        }
        Ok(())
    }

    /// Changes the round trip that it adds, for data read from now on.
    pub(crate) fn set_latency(&self, latency: Duration) {
        self.conditions.latency.set(latency);
    }

    /// Keeps connections open and accepts new ones, but delivers no byte until the black hole is lifted; then
    /// everything is delivered.
    pub(crate) fn set_black_hole(&self, hole: bool) {
        self.conditions.black_hole.send_replace(hole);
    }

    /// Closes all connections and refuses new ones.
    pub(crate) async fn cut(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            // Once the task has ended, the listener and all connections are closed.
            accepting.await.ok();
        }
    }

    /// Accepts connections (again).
    pub(crate) async fn connect(&mut self) -> anyhow::Result<()> {
        if self.accepting.is_none() {
            let listen = self.endpoint.listen;
            let listener = TcpListener::bind(listen)
                .await
                .with_context(|| format!("proxy at {listen}"))?;
            self.accepting = Some(tokio::task::spawn_local(accept(
                listener,
                self.endpoint.target,
                self.conditions.clone(),
                self.callers.clone(),
            )));
        }
        Ok(())
    }
}

/// Accepts until aborted; dropping the set ends the connections.
async fn accept(listener: TcpListener, target: SocketAddr, all: Conditions, callers: Option<Callers>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, from)) = accepted {
                    let own = callers.as_ref().and_then(|callers| {
                        callers.conditions.get(&(callers.who)(from)?).cloned()
                    });
                    connections.spawn_local(relay(client, target, Weather { all: all.clone(), own }));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection, until both directions have ended or it is cut.
async fn relay(client: TcpStream, target: SocketAddr, weather: Weather) -> std::io::Result<()> {
    tokio::select! {
        biased;
        () = weather.cut() => Ok(()),
        ended = through(client, target, &weather) => ended,
    }
}

async fn through(client: TcpStream, target: SocketAddr, weather: &Weather) -> std::io::Result<()> {
    let server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // An error in one direction ends the other: a reset must be passed on as a reset.
    tokio::try_join!(
        direction(from_client, to_server, weather),
        direction(from_server, to_client, weather)
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
        let due = Instant::now() + weather.latency() / 2;
        // An empty chunk represents the end.
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

#[cfg(test)]
mod tests {
    use tokio::task::LocalSet;
    use tokio::time::timeout;

    use super::*;

    /// Whether a byte comes back.
    async fn echoes(stream: &mut TcpStream) -> bool {
        let exchange = async {
            stream.write_all(b"x").await?;
            stream.read_u8().await
        };
        matches!(timeout(Duration::from_millis(300), exchange).await, Ok(Ok(b'x')))
    }

    #[tokio::test]
    async fn one_callers_link_is_cut_and_swallowed_while_anothers_goes_on() {
        LocalSet::new()
            .run_until(async {
                let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let target = echo.local_addr().unwrap().port();
                tokio::task::spawn_local(async move {
                    while let Ok((mut stream, _)) = echo.accept().await {
                        tokio::task::spawn_local(async move {
                            let (mut from, mut to) = stream.split();
                            tokio::io::copy(&mut from, &mut to).await.ok();
                        });
                    }
                });
                let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
                let port = free.local_addr().unwrap().port();
                drop(free);
                let next = Rc::new(Cell::new("one"));
                let who = Rc::clone(&next);
                let names = ["one".to_owned(), "two".to_owned()];
                let who: Who = Rc::new(move |_| Some(who.get().to_owned()));
                let proxy = Proxy::start_shared(port, target, Duration::ZERO, &names, who)
                    .await
                    .unwrap();
                let mut one = TcpStream::connect(proxy.endpoint.listen).await.unwrap();
                assert!(echoes(&mut one).await);
                next.set("two");
                let mut two = TcpStream::connect(proxy.endpoint.listen).await.unwrap();
                assert!(echoes(&mut two).await);

                proxy.adjust_caller("one", None, None, Some(true)).unwrap();
                assert!(!echoes(&mut one).await && echoes(&mut two).await);
                proxy.adjust_caller("one", None, None, Some(false)).unwrap();
                let late = timeout(Duration::from_secs(2), one.read_u8()).await;
                assert_eq!(late.unwrap().unwrap(), b'x', "what was swallowed comes out");

                proxy.adjust_caller("one", None, Some(true), None).unwrap();
                let ended = timeout(Duration::from_secs(2), one.read_u8()).await.unwrap();
                assert!(ended.is_err() && echoes(&mut two).await);
                next.set("one");
                let mut refused = TcpStream::connect(proxy.endpoint.listen).await.unwrap();
                assert!(!echoes(&mut refused).await);
                proxy.adjust_caller("one", None, Some(false), None).unwrap();
                let mut again = TcpStream::connect(proxy.endpoint.listen).await.unwrap();
                assert!(echoes(&mut again).await);
                assert!(proxy.adjust_caller("three", None, None, None).is_err());
            })
            .await;
    }
}
