//! The kinds of faults.

use std::fmt;

use stack::Peer;

/// The process that serves the broker's own zone.
pub const NAME_SERVER: &str = "knotd";

/// A share of the calls to AWS fails in this way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AwsFault {
    /// A fifth is throttled, with the errors that docs/aws-rules.md lists.
    Throttled,
    /// A tenth is executed and then answered by 500 or 503.
    FailsAfterTheWork,
    /// One in twenty is executed, and then the connection is dropped.
    DropsAfterTheWork,
}

/// One fault, for a limited time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL of a service process; restarted at the end.
    Kill(String),
    /// SIGSTOP of a service process for longer than the time limit of any attempt; after that it continues late.
    Freeze(String),
    /// SIGKILL of RabbitMQ; restarted at the end.
    KillRabbitmq,
    /// RabbitMQ stops gracefully; restarted at the end.
    StopRabbitmq,
    /// Every queue and exchange is deleted, with all messages.
    WipeRabbitmq,
    /// PostgreSQL's immediate shutdown; restarted at the end.
    KillPostgres,
    /// Connections of a process (or of all, to Pebble) are closed and refused.
    Cut(Option<String>, Peer),
    /// The connections get this many additional milliseconds of round trip.
    Slow(Option<String>, Peer, u64),
    /// The connections stay open, but nothing is delivered until the end.
    BlackHole(Option<String>, Peer),
    /// A share of the calls to AWS fails.
    Aws(AwsFault),
    /// Pebble is killed, and has lost every account and order after the restart.
    KillPebble,
    /// SIGKILL of the name server of the broker's own zone; restarted at the end.
    KillNameServer,
    /// SIGSTOP of that name server for longer than the time limit of any attempt; then it executes the updates that it was
    /// sent meanwhile, late.
    FreezeNameServer,
    /// The DNS server answers SERVFAIL for some names of running instances; the numbers select which.
    Servfail(Vec<u64>),
}

impl Fault {
    /// The kind by which faults are counted.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Kill(_) => "service killed",
            Self::Freeze(_) => "service frozen",
            Self::KillRabbitmq => "RabbitMQ killed",
            Self::StopRabbitmq => "RabbitMQ stopped gracefully",
            Self::WipeRabbitmq => "queues and exchanges deleted",
            Self::KillPostgres => "PostgreSQL stopped at once",
            Self::Cut(..) => "link cut",
            Self::Slow(..) => "link slow",
            Self::BlackHole(..) => "link a black hole",
            Self::Aws(AwsFault::Throttled) => "AWS throttles 20 %",
            Self::Aws(AwsFault::FailsAfterTheWork) => "AWS fails after the work, 10 %",
            Self::Aws(AwsFault::DropsAfterTheWork) => "AWS drops after the work, 5 %",
            Self::KillPebble => "Pebble killed, forgets all",
            Self::KillNameServer => "name server of the broker's zone killed",
            Self::FreezeNameServer => "name server of the broker's zone frozen",
            Self::Servfail(_) => "DNS says SERVFAIL",
        }
    }

    /// The target: two simultaneous faults at the same target would undo each other.
    pub fn place(&self) -> String {
        match self {
            Self::Kill(process) | Self::Freeze(process) => process.clone(),
            Self::KillRabbitmq | Self::StopRabbitmq | Self::WipeRabbitmq => "rabbitmq".to_owned(),
            Self::KillPostgres => "postgres".to_owned(),
            Self::Cut(process, peer) | Self::Slow(process, peer, _) | Self::BlackHole(process, peer) => {
                format!("{} → {}", process.as_deref().unwrap_or("all"), peer.as_str())
            }
            Self::Aws(fault) => format!("aws {fault:?}"),
            Self::KillPebble => "pebble".to_owned(),
            Self::KillNameServer | Self::FreezeNameServer => NAME_SERVER.to_owned(),
            Self::Servfail(_) => "dns".to_owned(),
        }
    }

    /// Whether broker-api may be unavailable because of it.
    pub fn silences_the_broker(&self) -> bool {
        match self {
            Self::KillPostgres => true,
            Self::Kill(process) | Self::Freeze(process) => process == BROKER,
            Self::Cut(process, peer) | Self::Slow(process, peer, _) | Self::BlackHole(process, peer) => {
                *peer == Peer::Postgres && process.as_deref() == Some(BROKER)
            }
            _ => false,
        }
    }
}

const BROKER: &str = "broker-api";

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slow(_, _, latency_ms) => write!(f, "{} by {latency_ms} ms: {}", self.kind(), self.place()),
            Self::Servfail(draws) => write!(f, "{} for {} names", self.kind(), draws.len()),
            Self::Kill(_) | Self::Freeze(_) | Self::Cut(..) | Self::BlackHole(..) => {
                write!(f, "{}: {}", self.kind(), self.place())
            }
            _ => f.write_str(self.kind()),
        }
    }
}
