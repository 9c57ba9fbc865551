//! Checks whether queries leave this network, by UDP and by TCP, to the servers that this service queries.

use hickory_resolver::proto::rr::{Name, RecordType};

use super::DnsProblem;
use super::exchange::{self, Asking, Question, Silence};
use super::servers::{Server, unanswered};
use super::{Dns, parse, zone};
use crate::shown;

/// The most servers that are queried; one answer is enough.
const MOST_ASKED: usize = 4;

/// The queried servers, and the result by each transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Egress {
    /// The server that answered by UDP.
    pub udp: Result<String, DnsProblem>,
    /// The server that answered by TCP, which is used for large responses.
    pub tcp: Result<String, DnsProblem>,
}

#[derive(Debug, Clone, Copy)]
enum Transport {
    Udp,
    Tcp,
}

impl Dns {
    /// Queries the authoritative servers of `name`, or the one server that the settings name.
    ///
    /// # Errors
    /// When those servers can't be found.
    pub async fn egress(&self, name: &str) -> Result<Egress, DnsProblem> {
        let name = parse(name).map_err(|failure| failure.problem)?;
        let (servers, kind) = if self.fixed {
            (self.resolvers.servers().await?, RecordType::A)
        } else {
            let zone = zone::enclosing(self, &name).await?;
            (zone.servers, RecordType::SOA)
        };
        let (udp, tcp) = tokio::join!(
            self.any_answers(&servers, &name, kind, Transport::Udp),
            self.any_answers(&servers, &name, kind, Transport::Tcp),
        );
        Ok(Egress { udp, tcp })
    }

    /// Any response counts, whatever its content.
    async fn any_answers(
        &self,
        servers: &[Server],
        name: &Name,
        kind: RecordType,
        transport: Transport,
    ) -> Result<String, DnsProblem> {
        let question = Question {
            name: name.clone(),
            kind,
            asking: if self.fixed {
                Asking::Recursive
            } else {
                Asking::FirstHand
            },
        };
        let limit = self.patience.timeout;
        let asked = servers.iter().take(MOST_ASKED).map(|server| {
            let question = &question;
            Box::pin(async move {
                let answer = match transport {
                    Transport::Udp => exchange::ask(server.address, question, limit).await,
                    Transport::Tcp => exchange::ask_by_tcp(server.address, question, limit).await,
                };
                match answer {
                    Ok(_) => Ok(server.label.clone()),
                    Err(silence) => Err(problem(server, silence, limit)),
                }
            })
        });
        let asked: Vec<_> = asked.collect();
        if asked.is_empty() {
            return Err(DnsProblem::NoServers {
                zone: shown::name(name),
                servers: "none".to_owned(),
            });
        }
        futures_util::future::select_ok(asked).await.map(|(server, _)| server)
    }
}

fn problem(server: &Server, silence: Silence, after: std::time::Duration) -> DnsProblem {
    let address = server.address.to_string();
    let label = match server.label == address {
        true => address,
        false => format!("{} ({address})", server.label),
    };
    unanswered(label, silence, after)
}
