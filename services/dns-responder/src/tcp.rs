//! Questions by TCP (RFC 7766): any number on a connection, one after the other, from a bounded number of connections.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::rate_limit::{Network, network};
use crate::reply::Transport;
use crate::request::LONGEST;
use crate::responder::Responder;

/// After an error of accept() such as "too many open files", which would come again at once.
const PAUSE: Duration = Duration::from_millis(100);
/// How much shorter a connection may idle once half of them are in use (RFC 7766 §6.2.3).
const CROWDED: u32 = 5;

/// What clients may take.
#[derive(Clone, Copy, Debug)]
pub struct TcpLimits {
    /// Connections in all.
    pub connections: usize,
    /// Connections of one network, which is the same as for [`RateLimit`](crate::rate_limit::RateLimit).
    pub of_one_network: usize,
    /// How long a whole question may take to arrive, and its answer to leave.
    pub idle: Duration,
    /// A connection that is older ends after the question that it is at, so that others get its seat.
    pub age: Duration,
}

/// The open connections.
struct Seats {
    limits: TcpLimits,
    taken: Mutex<HashMap<Network, usize>>,
}

/// One of them; it is given back when it is dropped.
struct Seat {
    seats: Arc<Seats>,
    of: Network,
}

impl Seats {
    fn take(self: &Arc<Self>, from: IpAddr) -> Option<Seat> {
        let of = network(from);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = taken.values().sum();
        let own = taken.get(&of).copied().unwrap_or(0);
        if all >= self.limits.connections || own >= self.limits.of_one_network {
            return None;
        }
        taken.insert(of, own + 1);
        metrics::gauge!("dns_tcp_connections").set((all + 1) as f64);
        let seats = self.clone();
        Some(Seat { seats, of })
    }

    fn idle(&self) -> Duration {
        let all: usize = self.taken.lock().unwrap_or_else(PoisonError::into_inner).values().sum();
        match all * 2 > self.limits.connections {
            true => self.limits.idle / CROWDED,
            false => self.limits.idle,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.of) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.of);
            }
        }
        metrics::gauge!("dns_tcp_connections").set(taken.values().sum::<usize>() as f64);
    }
}

/// Answers until `stopping`; then each connection ends after the question that it is at.
pub struct Tcp {
    responder: Arc<Responder>,
    seats: Arc<Seats>,
    connections: TaskTracker,
    stopping: CancellationToken,
}

impl Tcp {
    /// With these limits, for all listeners together.
    pub fn new(responder: Arc<Responder>, limits: TcpLimits, stopping: CancellationToken) -> Self {
        let taken = Mutex::default();
        Self {
            responder,
            seats: Arc::new(Seats { limits, taken }),
            connections: TaskTracker::new(),
            stopping,
        }
    }

    /// Accepts connections until it is told to stop. No error of accept() ends it: the client may have given up already, or
    /// another connection may have to end first.
    pub async fn serve(&self, listener: &TcpListener) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.stopping.cancelled() => return,
            };
            match accepted {
                Ok((stream, from)) => self.seat(stream, from),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::warn!(%error, "a connection can't be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn seat(&self, stream: TcpStream, from: SocketAddr) {
        let Some(seat) = self.seats.take(from.ip().to_canonical()) else {
            metrics::counter!("dns_tcp_connections_refused_total").increment(1);
            return;
        };
        let (responder, stopping) = (self.responder.clone(), self.stopping.clone());
        self.connections.spawn(async move {
            // Why a connection ended is the client's business.
            let _ = converse(stream, from, &responder, &seat.seats, &stopping).await;
            drop(seat);
        });
    }

    /// Waits until every connection has ended.
    pub async fn ended(&self) {
        self.connections.close();
        self.connections.wait().await;
    }
}

async fn converse(
    mut stream: TcpStream,
    from: SocketAddr,
    responder: &Responder,
    seats: &Seats,
    stopping: &CancellationToken,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut question = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < seats.limits.age {
        let read = tokio::select! {
            read = timeout(seats.idle(), next(&mut stream, &mut question)) => read,
            () = stopping.cancelled() => return Ok(()),
        };
        read??;
        // What is no question is not worth a second one.
        let Some(answer) = responder.answer(&question, from, Transport::Tcp) else {
            return Ok(());
        };
        let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
        let framed = [&length.to_be_bytes()[..], &answer].concat();
        timeout(seats.idle(), stream.write_all(&framed)).await??;
    }
    Ok(())
}

/// Reads one message (RFC 1035 §4.2.2).
async fn next(stream: &mut TcpStream, question: &mut Vec<u8>) -> io::Result<()> {
    let length = stream.read_u16().await?;
    if usize::from(length) > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    question.resize(usize::from(length), 0);
    stream.read_exact(question).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_many_addresses_has_no_more_seats() {
        let limits = TcpLimits {
            connections: 4,
            of_one_network: 1,
            idle: Duration::from_secs(10),
            age: Duration::from_secs(30),
        };
        let taken = Mutex::default();
        let seats = Arc::new(Seats { limits, taken });
        let take = |text: &str| seats.take(text.parse().unwrap());
        let first = take("2001:db8:1:200::1");
        assert!(first.is_some());
        assert!(take("2001:db8:1:2ff::9").is_none(), "of the same network");
        let others = ["2001:db8:1:300::1", "192.0.2.1", "192.0.3.1"].map(take);
        assert!(others.iter().all(Option::is_some));
        assert!(take("198.51.100.1").is_none(), "all are taken");
        drop(first);
        assert!(take("2001:db8:1:2ff::9").is_some());
    }
}
