//! Serves connections with limits that axum's own `serve` doesn't have. On shutdown, requests in progress are
//! completed.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Once};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::http::hops::Client;
use crate::http::limits::{HEAD_BYTES, HEADERS, Limits};
use crate::http::open_files;
use crate::http::proxy_protocol;
use crate::http::seated::Seated;
use crate::http::seats::{Seat, Seats};
use crate::http::write_timeout::{Paced, Patience, Pulse};

/// The pause after a failed accept: the usual cause, no free file descriptor, takes a while to go away.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// How long a connection whose seat was reassigned has to read that its request was not answered.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves until `shutdown` resolves, then completes requests in progress, for at most `grace`.
///
/// # Errors
/// When `shutdown` fails.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    limits: &Limits,
    shutdown: impl Future<Output = std::io::Result<()>>,
    grace: Duration,
) -> std::io::Result<()> {
    let connections = TaskTracker::new();
    let ending = CancellationToken::new();
    let limits = Arc::new(limits.clone());
    let seats = Seats::new(
        open_files::at_most(limits.max_connections as usize),
        limits.connections_per_address as usize,
    );
    tokio::pin!(shutdown);
    let asked = loop {
        // Without a free seat no connection is accepted: new ones wait in the kernel's queue.
        let accept = async {
            seats.room().await;
            listener.accept().await
        };
        tokio::select! {
            asked = &mut shutdown => break asked,
            accepted = accept => match accepted {
                Ok((stream, from)) => {
                    let arrived = Arrived::new(from, &limits, &seats);
                    connections.spawn(arrived.served(stream, app.clone(), ending.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    seats.make_room();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    };
    drop(listener);
    ending.cancel();
    connections.close();
    tracing::info!(connections = connections.len(), "shutting down");
    if tokio::time::timeout(grace, connections.wait()).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "the grace period is over, open requests are aborted"
        );
    }
    asked
}

/// An accepted connection.
struct Arrived {
    peer: IpAddr,
    limits: Arc<Limits>,
    seat: Arc<Seat>,
}

impl Arrived {
    fn new(from: SocketAddr, limits: &Arc<Limits>, seats: &Arc<Seats>) -> Self {
        let peer = from.ip();
        Self {
            peer,
            limits: limits.clone(),
            seat: seats.take(Client::from(peer), !limits.trusted_hops.has(peer)),
        }
    }

    async fn served(mut self, mut stream: TcpStream, app: Router, ending: CancellationToken) {
        // Nagle's algorithm would delay small responses.
        let _ = stream.set_nodelay(true);
        if self.limits.proxy_protocol && self.limits.trusted_hops.has(self.peer) {
            let announced = tokio::select! {
                announced = self.announced(&mut stream) => announced,
                () = self.seat.given_away() => return,
                () = ending.cancelled() => return,
            };
            match announced {
                Ok(peer) => self.peer = peer,
                Err(error) => return unannounced(self.peer, &error),
            }
        }
        self.requests(stream, app, ending).await;
    }

    /// The client of the connection, as the load balancer names it.
    async fn announced(&self, stream: &mut TcpStream) -> std::io::Result<IpAddr> {
        let header = proxy_protocol::source(stream);
        let source = tokio::time::timeout(self.limits.first_byte_timeout, header).await??;
        Ok(source
            .inspect(|&source| {
                self.seat
                    .wait(Client::from(source), !self.limits.trusted_hops.has(source))
            })
            .unwrap_or(self.peer))
    }

    async fn requests(self, stream: TcpStream, app: Router, ending: CancellationToken) {
        let pulse = Arc::new(Pulse::default());
        let patience = self.patience();
        let stream = Paced::new(stream, pulse.clone(), self.limits.answer_timeout);
        let service = Seated::new(
            app,
            self.peer,
            self.limits,
            self.seat.clone(),
            pulse.clone(),
            ending.clone(),
        );
        let serving = http1::Builder::new()
            // `Pulse` has a separate limit for each part of a request.
            .header_read_timeout(None)
            .max_header_size(HEAD_BYTES)
            .max_headers(HEADERS)
            .serve_connection(TokioIo::new(stream), service);
        tokio::pin!(serving);
        let ended = tokio::select! {
            ended = &mut serving => ended,
            () = pulse.overdue(&patience) => return,
            () = ending.cancelled() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
            () = self.seat.given_away() => {
                if pulse.is_at_work() {
                    serving.as_mut().graceful_shutdown();
                    let _ = tokio::time::timeout(FAREWELL, serving).await;
                }
                return;
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }

    fn patience(&self) -> Patience {
        let limits = &self.limits;
        Patience {
            // Routers connect ahead of requests, and close connections that they don't need.
            first_byte: if limits.trusted_hops.has(self.peer) {
                limits.idle_timeout
            } else {
                limits.first_byte_timeout
            },
            head: limits.head_timeout,
            idle: limits.idle_timeout,
        }
    }
}

/// Logged once: if the setting is wrong, this affects every connection.
fn unannounced(peer: IpAddr, error: &std::io::Error) {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        tracing::warn!(
            %peer,
            %error,
            "PROXY_PROTOCOL is set, and a connection of TRUSTED_HOPS did not begin with its header; further ones are \
             logged at level debug"
        );
    });
    tracing::debug!(%peer, %error, "a connection without the header of the PROXY protocol");
}
