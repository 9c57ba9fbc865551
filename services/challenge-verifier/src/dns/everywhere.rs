//! One query to every server of a zone: the CA may use any of them.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hickory_resolver::proto::op::Message;
use hickory_resolver::proto::rr::{Name, RecordType};
use tokio::time::{Instant, sleep_until};

use super::answer::{self, Reply, Unusable};
use super::exchange::{Asking, Question};
use super::near::Near;
use super::servers::{Patience, Server, ask_one};
use super::zone::{self, Zone};
use super::{Dns, MOST_REFERRALS};
use super::{DnsProblem, Links};
use crate::shown;

/// The response of one server at one address, or why there is none.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) server: Server,
    pub(super) result: Result<Reply, DnsProblem>,
}

impl Said {
    /// Whether a resolver would use this response.
    pub(super) fn counts(&self) -> bool {
        self.result.as_ref().map_or_else(DnsProblem::denies, |_| true)
    }
}

/// All responses about one name.
#[derive(Debug, Default)]
pub(super) struct Hop {
    pub(super) said: Vec<Said>,
    /// The zone that all of them were queried for; `None` when there were several, or none that is known.
    pub(super) zone: Option<Name>,
    /// Servers that couldn't be queried, and why.
    pub(super) left_out: Vec<(String, DnsProblem)>,
}

impl Dns {
    /// Queries every server of the zone that contains `name`, concurrently. `good` says whether a reply still allows
    /// the record to be in place. A reply that doesn't decides the result, and the other servers are then given only a
    /// moment more. For a name of the domain `near`, the search for its zone is the domain's as long as nothing is set there.
    pub(super) async fn ask_everywhere(
        &self,
        name: &Name,
        kind: RecordType,
        near: Option<&Near>,
        good: impl Fn(&Reply) -> bool,
    ) -> Result<Hop, DnsProblem> {
        let question = Question {
            name: name.clone(),
            kind,
            asking: Asking::FirstHand,
        };
        let mut near = near.filter(|near| near.covers(name));
        let mut zone = match near {
            Some(near) => near.zone(self).await?,
            None => zone::enclosing(self, name).await?,
        };
        let mut hop = Hop::default();
        for _ in 0..=MOST_REFERRALS {
            let Zone { apex, servers, .. } = &zone;
            let read = |message: &_| answer::of_authority(message, name, kind, apex);
            let said = ask_all(servers, &question, self.patience, read, &shown::name(apex), &good).await;
            let deeper = said.iter().find_map(referral);
            // The name may be in a zone of its own with more servers: those above don't refer to it where they serve both,
            // and the resolver may know others than they refer to. Their word is enough that there is no record, but one
            // that is set has to be on all of its own servers.
            if (deeper.is_some() || said.iter().any(is_set)) && near.take().is_some() {
                let own = zone::enclosing(self, name).await?;
                if deeper.is_some() || own.apex != zone.apex {
                    zone = own;
                    continue;
                }
            }
            let Some((deeper, names, glue)) = deeper else {
                hop.zone = hop.said.is_empty().then_some(zone.apex);
                hop.said.extend(said);
                hop.left_out = zone.left_out;
                return Ok(hop);
            };
            // A server of the upper zone that denies the name lags behind the others: a resolver that asks it gets no
            // further.
            hop.said.extend(
                said.into_iter()
                    .filter(|said| referral(said).is_none() && said.counts()),
            );
            zone = zone::served_by(self, deeper, names, &glue).await?;
        }
        Err(DnsProblem::TooMany {
            what: Links::Delegations,
            limit: MOST_REFERRALS,
        })
    }
}

type Delegation = (Name, Vec<Name>, Vec<(Name, std::net::IpAddr)>);

fn referral(said: &Said) -> Option<Delegation> {
    match &said.result {
        Ok(Reply::Referral { zone, servers, glue }) => Some((zone.clone(), servers.clone(), glue.clone())),
        _ => None,
    }
}

fn is_set(said: &Said) -> bool {
    matches!(said.result, Ok(Reply::Records { .. } | Reply::Aliases(_)))
}

/// In the order of the servers; servers that had not answered when the result was decided are left out.
async fn ask_all(
    servers: &[Server],
    question: &Question,
    patience: Patience,
    read: impl Fn(&Message) -> Result<Reply, Unusable>,
    zone: &str,
    good: &impl Fn(&Reply) -> bool,
) -> Vec<Said> {
    let mut asked: FuturesUnordered<_> = servers
        .iter()
        .enumerate()
        .map(async |(slot, server)| {
            let answered = ask_one(server, question, patience, &read, zone).await;
            (slot, answered.map(|(_, reply)| reply))
        })
        .collect();
    let mut slots: Vec<Option<Said>> = servers.iter().map(|_| None).collect();
    let mut settled: Option<Instant> = None;
    loop {
        tokio::select! {
            biased;
            next = asked.next() => {
                let Some((slot, result)) = next else { break };
                let said = Said { server: servers[slot].clone(), result };
                let hopeful = said.result.as_ref().map_or_else(|problem| !problem.denies(), good);
                if !hopeful && settled.is_none() {
                    settled = Some(Instant::now() + patience.head_start());
                }
                slots[slot] = Some(said);
            }
            () = sleep_until(settled.unwrap_or_else(Instant::now)), if settled.is_some() => break,
        }
    }
    slots.into_iter().flatten().collect()
}
