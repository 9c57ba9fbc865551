//! A name's TXT records on each server of its zone.

use std::net::IpAddr;

use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::answer::Reply;
use super::chain::Chain;
use super::everywhere::{Hop, Said};
use super::near::Near;
use super::servers::{Server, more_telling};
use super::{Dns, parse};
use super::{DnsProblem, LookupFailure};
use crate::shown;

/// The TXT records at a name, or at the end of its CNAMEs: at least one server has some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TxtRecords {
    /// The name that has them, when CNAMEs led elsewhere.
    pub alias: Option<String>,
    /// The answer of each server, of all zones on the way.
    pub answers: Vec<TxtAnswer>,
    /// The servers that were left out, and why: no address of theirs gave an answer that a resolver would use.
    pub left_out: Vec<(String, DnsProblem)>,
}

/// The answer of one server, at one of its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxtAnswer {
    /// The server's name.
    pub server: String,
    /// The address that was queried.
    pub address: IpAddr,
    /// The server's answer.
    pub seen: TxtSeen,
}

/// A server's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TxtSeen {
    /// Each record's strings, joined (RFC 7208 §3.3 specifies it for SPF, and CAs do it for all).
    Texts(Vec<Vec<u8>>),
    /// A CNAME to a different name than the other servers have.
    Alias(String),
    /// No record.
    Denied(DnsProblem),
}

impl Dns {
    /// The TXT records at `name`, or at the end of its CNAMEs, on every server. `wanted` says whether the texts are the
    /// expected ones; the first server without them ends the wait for slow servers. The search for the name's zone is
    /// shared with other look-ups by `near`.
    ///
    /// # Errors
    /// When no server has any.
    pub async fn txt(
        &self,
        name: &str,
        near: Option<&Near>,
        wanted: impl Fn(&[Vec<u8>]) -> bool,
    ) -> Result<TxtRecords, LookupFailure> {
        self.txt_and_first_hop(name, near, wanted).await.1
    }

    /// The same, with the answers of the name's own servers: there, a CNAME is an answer.
    pub async fn txt_and_first_hop(
        &self,
        name: &str,
        near: Option<&Near>,
        wanted: impl Fn(&[Vec<u8>]) -> bool,
    ) -> (TxtRecords, Result<TxtRecords, LookupFailure>) {
        let mut first = TxtRecords::default();
        let look_up = LookUp {
            dns: self,
            name,
            near,
            wanted,
        };
        let found = look_up.by_hops(&mut first).await;
        (first, found)
    }
}

/// One look-up: what is the same at each of its hops.
struct LookUp<'l, W> {
    dns: &'l Dns,
    name: &'l str,
    near: Option<&'l Near>,
    wanted: W,
}

impl<W: Fn(&[Vec<u8>]) -> bool> LookUp<'_, W> {
    /// From CNAME to CNAME. The answers at the first hop are put into `first`, also when a later one fails.
    async fn by_hops(&self, first: &mut TxtRecords) -> Result<TxtRecords, LookupFailure> {
        let mut chain = Chain::new(parse(self.name)?, RecordType::TXT);
        let mut records = TxtRecords::default();
        loop {
            let hop = self.hop(&chain.current()).await;
            let hop = hop.map_err(|problem| chain.failed(problem))?;
            records.leave_out(&hop);
            let said: Vec<Said> = hop.said.into_iter().filter(Said::counts).collect();
            if first.answers.is_empty() {
                first.answers = said.iter().filter_map(with_alias).collect();
                first.left_out.clone_from(&records.left_out);
                if let (Some(near), Some(apex)) = (self.near, &hop.zone) {
                    near.remember(self.name, apex, &said);
                }
            }
            let Some(reply) = leading(&said) else {
                return Err(chain.failed(failure(&said, records.left_out)));
            };
            let alias_only = matches!(reply, Reply::Aliases(_));
            let ended = chain.take(String::new(), reply.clone())?;
            for said in said
                .iter()
                .filter(|said| !alias_only || said.result.as_ref() != Ok(&reply))
            {
                records.answers.extend(answer(said));
            }
            if let Some(end) = ended {
                records.alias = end.alias;
                return Ok(records);
            }
        }
    }

    async fn hop(&self, name: &Name) -> Result<Hop, DnsProblem> {
        let dns = self.dns;
        if !dns.fixed {
            let good = |reply: &Reply| match reply {
                Reply::Records { data, .. } => (self.wanted)(&texts(data)),
                Reply::Aliases(_) => true,
                _ => false,
            };
            return dns.ask_everywhere(name, RecordType::TXT, self.near, good).await;
        }
        let (label, reply) = dns.ask_fixed(name, RecordType::TXT).await?;
        let address = dns.resolvers.servers().await?.first().map(|server| server.address);
        let said = address.map(|address| Said {
            server: Server { label, address },
            result: Ok(reply),
        });
        Ok(Hop {
            said: said.into_iter().collect(),
            ..Hop::default()
        })
    }
}

impl TxtRecords {
    fn leave_out(&mut self, hop: &Hop) {
        // Without IPv6 here, or lost at one of its addresses only: a server that has answered is not left out.
        let answers = |server: &str| hop.said.iter().any(|said| said.counts() && said.server.label == server);
        let failed = hop.said.iter().filter(|said| !said.counts()).filter_map(|said| {
            let problem = said.result.as_ref().err()?;
            Some((&said.server.label, problem))
        });
        let without_address = hop.left_out.iter().map(|(server, problem)| (server, problem));
        for (server, problem) in without_address.chain(failed) {
            if !answers(server) && !self.left_out.iter().any(|(known, _)| known == server) {
                self.left_out.push((server.clone(), problem.clone()));
            }
        }
    }
}

/// The reply that the look-up continues with: records where any server has some, or else the target of the first CNAME.
fn leading(said: &[Said]) -> Option<Reply> {
    let replies = || said.iter().filter_map(|said| said.result.as_ref().ok());
    let records = replies().find(|reply| matches!(reply, Reply::Records { .. }));
    records
        .or_else(|| replies().find(|reply| matches!(reply, Reply::Aliases(_))))
        .cloned()
}

/// No server has the record: returns the denials, or the most informative reason why the servers did not answer.
fn failure(said: &[Said], left_out: Vec<(String, DnsProblem)>) -> DnsProblem {
    let denied: Vec<(String, DnsProblem)> = said
        .iter()
        .filter_map(|said| Some((said.server.label.clone(), denial(said)?)))
        .collect();
    if let Some((_, first)) = denied.first() {
        let same = denied.iter().filter(|(_, problem)| problem.denied() == first.denied());
        return first.clone().at(shown::few(same.map(|(server, _)| server.clone())));
    }
    let worst = left_out
        .into_iter()
        .fold(None, |worst, (_, problem)| Some(more_telling(worst, problem)));
    worst.unwrap_or_else(|| DnsProblem::NoServers {
        zone: ".".to_owned(),
        servers: "none".to_owned(),
    })
}

fn denial(said: &Said) -> Option<DnsProblem> {
    match &said.result {
        Ok(reply) => denied(&said.server.label, reply),
        Err(problem) => Some(problem.clone()),
    }
}

fn denied(server: &str, reply: &Reply) -> Option<DnsProblem> {
    let server = server.to_owned();
    match reply {
        Reply::NoSuchName => Some(DnsProblem::NoSuchName { server }),
        Reply::NoRecord => Some(DnsProblem::NoRecord {
            kind: RecordType::TXT.to_string(),
            server,
        }),
        _ => None,
    }
}

/// What a server says, where a CNAME counts more than what is at its target. `None`: it refers to others.
pub(super) fn first_hop(server: &str, reply: &Reply) -> Option<TxtSeen> {
    match reply {
        Reply::Aliases(aliases) | Reply::Records { aliases, .. } if !aliases.is_empty() => {
            Some(TxtSeen::Alias(shown::name(aliases.first()?)))
        }
        Reply::Records { data, .. } => Some(TxtSeen::Texts(texts(data))),
        _ => denied(server, reply).map(TxtSeen::Denied),
    }
}

/// The answer, where a CNAME counts more than what is at its target.
fn with_alias(said: &Said) -> Option<TxtAnswer> {
    let mut answer = answer(said)?;
    if let Ok(reply) = &said.result {
        answer.seen = first_hop(&said.server.label, reply)?;
    }
    Some(answer)
}

fn answer(said: &Said) -> Option<TxtAnswer> {
    let seen = match &said.result {
        Ok(Reply::Records { data, .. }) => TxtSeen::Texts(texts(data)),
        Ok(Reply::Aliases(aliases)) => TxtSeen::Alias(shown::name(aliases.last()?)),
        _ => TxtSeen::Denied(denial(said)?),
    };
    Some(TxtAnswer {
        server: said.server.label.clone(),
        address: said.server.address.ip(),
        seen,
    })
}

fn texts(data: &[RData]) -> Vec<Vec<u8>> {
    data.iter()
        .filter_map(|data| match data {
            RData::TXT(text) => Some(text.txt_data.concat()),
            _ => None,
        })
        .collect()
}
