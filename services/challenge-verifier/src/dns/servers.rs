//! One query to several servers that should all have the answer: the first answer counts.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hickory_resolver::proto::op::Message;
use tokio::time::{Instant, sleep_until};

use super::DnsProblem;
use super::answer::{Reply, Unusable};
use super::exchange::{self, Question, Silence};
use crate::shown;

/// A server, and its label for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) label: String,
    pub(super) address: SocketAddr,
}

/// How long and how often a server is queried.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) timeout: Duration,
    pub(super) attempts: u32,
}

impl Patience {
    /// How long to wait for a server before the next one is queried as well, so that a dead one costs little.
    pub(super) fn head_start(self) -> Duration {
        (self.timeout / 4).min(Duration::from_secs(1))
    }
}

/// Queries one server after the other, the next one when the last has failed or is slow, and returns the first usable
/// answer with the label of its server.
pub(super) async fn ask_any(
    servers: &[Server],
    question: &Question,
    patience: Patience,
    read: impl Fn(&Message) -> Result<Reply, Unusable>,
    zone: &str,
) -> Result<(String, Reply), DnsProblem> {
    let mut waiting = servers.iter();
    let mut asked = FuturesUnordered::new();
    let mut worst: Option<DnsProblem> = None;
    let mut next = Instant::now();
    loop {
        let more = waiting.len() > 0;
        tokio::select! {
            biased;
            Some(result) = asked.next(), if !asked.is_empty() => match result {
                Ok(found) => return Ok(found),
                Err(problem) => {
                    worst = Some(more_telling(worst, problem));
                    next = Instant::now();
                }
            },
            () = sleep_until(next), if more => {
                if let Some(server) = waiting.next() {
                    asked.push(ask_one(server, question, patience, &read, zone));
                }
                next = Instant::now() + patience.head_start();
            }
            else => break,
        }
    }
    Err(worst.unwrap_or_else(|| DnsProblem::NoServers {
        zone: zone.to_owned(),
        servers: "none".to_owned(),
    }))
}

pub(super) async fn ask_one(
    server: &Server,
    question: &Question,
    patience: Patience,
    read: &impl Fn(&Message) -> Result<Reply, Unusable>,
    zone: &str,
) -> Result<(String, Reply), DnsProblem> {
    let label = || server.label.clone();
    let mut last = Silence::TimedOut;
    for attempt in 0..patience.attempts.max(1) {
        let asked = match attempt {
            0 => exchange::ask(server.address, question, patience.timeout).await,
            _ => exchange::ask_again(server.address, question, patience.timeout).await,
        };
        match asked {
            Ok(message) => {
                return match read(&message) {
                    Ok(reply) => Ok((label(), reply)),
                    Err(Unusable::Code { code, why }) => Err(DnsProblem::Code {
                        code,
                        server: label(),
                        why,
                    }),
                    Err(Unusable::OtherZone(other)) => Err(DnsProblem::OtherZone {
                        server: label(),
                        zone: zone.to_owned(),
                        other: shown::name(&other),
                    }),
                    Err(Unusable::Lame) => Err(DnsProblem::Lame {
                        server: label(),
                        zone: zone.to_owned(),
                    }),
                };
            }
            Err(Silence::Garbled) => {
                last = Silence::Garbled;
                break;
            }
            // The datagram was lost or blocked: the next attempt uses TCP as well.
            Err(other) => last = other,
        }
    }
    Err(unanswered(label(), last, patience.timeout))
}

/// The first server's complete response, whatever its content.
pub(super) async fn first_message(
    servers: &[Server],
    question: &Question,
    limit: Duration,
) -> Result<(String, Message), DnsProblem> {
    let mut worst = None;
    for server in servers {
        match exchange::ask(server.address, question, limit).await {
            Ok(message) => return Ok((server.label.clone(), message)),
            Err(silence) => worst = Some(more_telling(worst, unanswered(server.label.clone(), silence, limit))),
        }
    }
    Err(worst.unwrap_or_else(|| DnsProblem::NoServers {
        zone: ".".to_owned(),
        servers: "none".to_owned(),
    }))
}

/// The text for the user about a server that gave no answer.
pub(super) fn unanswered(server: String, silence: Silence, after: Duration) -> DnsProblem {
    match silence {
        Silence::TimedOut => DnsProblem::Silent { server, after },
        Silence::Unreachable(why) => DnsProblem::Unreachable {
            server,
            why: shown::plain(why.as_bytes()),
        },
        Silence::Garbled => DnsProblem::Garbled { server },
    }
}

pub(super) fn more_telling(one: Option<DnsProblem>, other: DnsProblem) -> DnsProblem {
    match one {
        Some(one) if one.telling() >= other.telling() => one,
        _ => other,
    }
}
