//! What can go wrong.

use std::fmt;

use stack::Peer;

/// A share of the calls to AWS goes wrong in this way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AwsFault {
    /// A fifth is throttled, in the forms that docs/aws-rules.md knows.
    Throttled,
    /// A tenth is done and then answered by 500 or 503.
    FailsAfterTheWork,
    /// One in twenty is done, and then the connection is dropped.
    DropsAfterTheWork,
}

/// One thing that goes wrong, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL of a service process; started again at the end.
    Kill(String),
    /// SIGSTOP of a service process for longer than any attempt may take; then it acts late.
    Freeze(String),
    /// SIGKILL of RabbitMQ; started again at the end.
    KillRabbitmq,
    /// RabbitMQ ends gracefully; started again at the end.
    StopRabbitmq,
    /// Every queue and exchange is deleted, with all messages.
    WipeRabbitmq,
    /// PostgreSQL's immediate shutdown; started again at the end.
    KillPostgres,
    /// Connections of a process (or of all, to Pebble) are closed and refused.
    Cut(Option<String>, Peer),
    /// They take so many milliseconds per round trip.
    Slow(Option<String>, Peer, u64),
    /// They stay open, but nothing arrives until the end.
    BlackHole(Option<String>, Peer),
    /// A share of the calls to AWS fails.
    Aws(AwsFault),
    /// Pebble is killed, and has forgotten every account and order when it is back.
    KillPebble,
    /// The DNS answers SERVFAIL for some names of running instances; the numbers choose which.
    Servfail(Vec<u64>),
}

impl Fault {
    /// What is counted together.
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
            Self::Servfail(_) => "DNS says SERVFAIL",
        }
    }

    /// What it is done to: two faults at once at the same place would undo each other.
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
            Self::Servfail(_) => "dns".to_owned(),
        }
    }

    /// Whether broker-api may fail to answer because of it.
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
