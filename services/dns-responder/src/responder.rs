//! Answers with what is served now.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::board::Board;
use crate::cookie::Cookies;
use crate::rate_limit::{RateLimit, Verdict};
use crate::reply::{Circumstances, Reply, Transport, reply};
use crate::tally::Tally;
use crate::zone::Zone;

/// Answers questions; shared by all sockets.
pub struct Responder {
    zone: Zone,
    board: Arc<Board>,
    cookies: Option<Cookies>,
    rate_limit: Option<RateLimit>,
    by_udp: Tally,
    by_tcp: Tally,
}

impl Responder {
    /// With what is on the board.
    pub fn new(zone: Zone, board: Arc<Board>, cookies: Option<Cookies>, rate_limit: Option<RateLimit>) -> Self {
        Self {
            zone,
            board,
            cookies,
            rate_limit,
            by_udp: Tally::new(Transport::Udp),
            by_tcp: Tally::new(Transport::Tcp),
        }
    }

    /// The answer to what arrived, if there is one.
    pub fn answer(&self, bytes: &[u8], from: SocketAddr, transport: Transport) -> Option<Vec<u8>> {
        // Nobody asks from there: an answer would go to a server that answers it.
        if from.port() == 0 {
            return None;
        }
        // A fault that some question brings to light must not be a way to stop the server.
        let reply = catch_unwind(AssertUnwindSafe(|| self.reply(bytes, from, transport))).unwrap_or_else(|_| {
            tracing::error!("a question made the program panic: it is not answered");
            Reply::Ignored
        });
        match transport {
            Transport::Udp => self.by_udp.count(&reply),
            Transport::Tcp => self.by_tcp.count(&reply),
        }
        match reply {
            Reply::Sent(_, bytes) | Reply::Slipped(_, bytes) => Some(bytes),
            Reply::Ignored | Reply::Dropped(_) => None,
        }
    }

    fn reply(&self, bytes: &[u8], from: SocketAddr, transport: Transport) -> Reply {
        let live = self.board.live();
        // An IPv4 address on a socket for both.
        let from = from.ip().to_canonical();
        let since_1970 = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let about = Circumstances {
            zone: &self.zone,
            live: &live,
            cookies: self.cookies.as_ref(),
            transport,
            from,
            // RFC 9018 §4.3 counts modulo 2³².
            now: since_1970 as u32,
        };
        reply(bytes, &about, |class| match &self.rate_limit {
            Some(limit) => limit.judge(from, class, Instant::now()),
            None => Verdict::Send,
        })
    }
}
