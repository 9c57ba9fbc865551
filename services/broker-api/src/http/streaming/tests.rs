//! Over TCP, with the server's own limits.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::response::IntoResponse as _;
use axum::routing::get;
use clap::Parser as _;
use futures_util::stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::http::{Limits, serve};

const PATIENCE: Duration = Duration::from_secs(10);

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    limits: Limits,
}

/// A server whose `/events` streams, and which has another address beside it.
struct Server {
    address: SocketAddr,
    /// What is streamed next.
    events: mpsc::Sender<&'static str>,
    /// The stream was dropped.
    gone: CancellationToken,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start(limits: &[&str]) -> Self {
        let (events, next) = mpsc::channel::<&'static str>(1);
        let next = Arc::new(Mutex::new(next));
        let gone = CancellationToken::new();
        let guard = gone.clone();
        let streamed = async move || {
            let state = (next.clone(), guard.clone().drop_guard());
            let body = stream::unfold(state, |state: (Arc<Mutex<mpsc::Receiver<_>>>, _)| async move {
                let event = state.0.lock().await.recv().await?;
                Some((Ok::<_, Infallible>(event), state))
            });
            streaming(Body::from_stream(body))
        };
        Self::of(limits, Router::new().route("/events", get(streamed)), events, gone).await
    }

    /// One that sends without end.
    async fn endless(limits: &[&str]) -> Self {
        let gone = CancellationToken::new();
        let guard = gone.clone();
        let streamed = async move || {
            let guard = guard.clone().drop_guard();
            let body = stream::repeat_with(move || {
                let _kept = &guard;
                Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 65_536]))
            });
            streaming(Body::from_stream(body))
        };
        let (events, _) = mpsc::channel(1);
        Self::of(limits, Router::new().route("/events", get(streamed)), events, gone).await
    }

    async fn of(limits: &[&str], app: Router, events: mpsc::Sender<&'static str>, gone: CancellationToken) -> Self {
        let limits = Line::parse_from(["test"].iter().chain(limits)).limits;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = app.route("/other", get(async || "other"));
        let stop = CancellationToken::new();
        let asked = stop.clone().cancelled_owned();
        let serving = tokio::spawn(async move {
            let shutdown = async {
                asked.await;
                Ok(())
            };
            serve(listener, app, &limits, shutdown, Duration::from_secs(60)).await
        });
        Self {
            address,
            events,
            gone,
            stop,
            serving,
        }
    }

    async fn ask(&self, path: &str) -> TcpStream {
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: b\r\n\r\n");
        connection.write_all(head.as_bytes()).await.unwrap();
        connection
    }
}

fn streaming(body: Body) -> Response {
    let mut answer = body.into_response();
    answer.extensions_mut().insert(Streaming);
    answer
}

/// Reads until this was read.
async fn read_until(connection: &mut TcpStream, wanted: &str) -> String {
    let mut read = String::new();
    let reading = async {
        while !read.contains(wanted) {
            let mut part = [0; 1024];
            let length = connection.read(&mut part).await.unwrap();
            assert!(length > 0, "ended after {read}");
            read.push_str(std::str::from_utf8(&part[..length]).unwrap());
        }
    };
    timeout(PATIENCE, reading).await.expect("in time");
    read
}

/// Reads to the end of the connection.
async fn read_to_the_end(connection: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let reading = connection.read_to_end(&mut read);
    timeout(PATIENCE, reading).await.expect("it ends").unwrap();
    String::from_utf8(read).unwrap()
}

#[tokio::test]
async fn a_quiet_stream_outlasts_an_idle_connection() {
    let server = Server::start(&["--idle-timeout=100ms", "--head-timeout=100ms"]).await;
    let mut reader = server.ask("/events").await;
    server.events.send("one").await.unwrap();
    read_until(&mut reader, "one").await;
    // It began to wait later, and is closed when its time is up.
    let mut idle = server.ask("/other").await;
    read_to_the_end(&mut idle).await;
    server.events.send("two").await.unwrap();
    read_until(&mut reader, "two").await;
}

#[tokio::test]
async fn a_stream_ends_when_the_process_is_asked_to() {
    let server = Server::start(&[]).await;
    let mut reader = server.ask("/events").await;
    server.events.send("one").await.unwrap();
    read_until(&mut reader, "one").await;
    let asked = Instant::now();
    server.stop.cancel();
    let rest = read_to_the_end(&mut reader).await;
    assert!(rest.ends_with("0\r\n\r\n"), "not whole: {rest}");
    timeout(PATIENCE, server.serving)
        .await
        .expect("it doesn't wait for readers")
        .unwrap()
        .unwrap();
    assert!(asked.elapsed() < PATIENCE, "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_stream_gives_its_seat_to_another_connection() {
    let server = Server::start(&["--max-connections=1"]).await;
    let mut reader = server.ask("/events").await;
    server.events.send("one").await.unwrap();
    read_until(&mut reader, "one").await;
    let mut other = server.ask("/other").await;
    read_until(&mut other, "other").await;
    read_to_the_end(&mut reader).await;
    timeout(PATIENCE, server.gone.cancelled())
        .await
        .expect("nobody makes events any more");
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_cut_off() {
    let server = Server::endless(&["--answer-timeout=200ms"]).await;
    let reader = server.ask("/events").await;
    timeout(PATIENCE, server.gone.cancelled()).await.expect("it is cut off");
    drop(reader);
}

#[tokio::test]
async fn a_reader_that_leaves_is_noticed_at_once() {
    let server = Server::start(&[]).await;
    let mut reader = server.ask("/events").await;
    server.events.send("one").await.unwrap();
    read_until(&mut reader, "one").await;
    drop(reader);
    timeout(PATIENCE, server.gone.cancelled()).await.expect("it is noticed");
}
