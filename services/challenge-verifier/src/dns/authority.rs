//! The name servers of the broker's own zone, as a CA's resolver would find them.

use hickory_resolver::proto::rr::{RData, RecordType};

use super::answer::Reply;
use super::{Dns, DnsProblem, parse};
use crate::shown;

/// What the name servers of a zone say about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authority {
    /// The servers that have the zone.
    pub servers: Vec<String>,
    /// The servers that don't, and why.
    pub left_out: Vec<(String, DnsProblem)>,
    /// For how many seconds a resolver remembers that a name in the zone has no record (RFC 2308 §5).
    pub remembered_absence: u32,
}

impl Dns {
    /// Asks every name server of the zone for its SOA record. `None`: the name is no zone of its own.
    ///
    /// # Errors
    /// When the servers can't be found.
    pub async fn authority(&self, zone: &str) -> Result<Option<Authority>, DnsProblem> {
        let name = parse(zone).map_err(|failure| failure.problem)?;
        let hop = self.ask_everywhere(&name, RecordType::SOA, None, |_| true).await?;
        let mut authority = Authority {
            left_out: hop.left_out,
            ..Authority::default()
        };
        for said in hop.said {
            let server = said.server.label.clone();
            match said.result {
                Ok(Reply::Records { data, .. }) => {
                    if let Some(RData::SOA(soa)) = data.first() {
                        authority.remembered_absence = authority.remembered_absence.max(soa.minimum);
                    }
                    if !authority.servers.contains(&server) {
                        authority.servers.push(server);
                    }
                }
                Ok(Reply::NoRecord) => return Ok(None),
                Ok(_) => authority.left_out.push((
                    server.clone(),
                    DnsProblem::Lame {
                        server,
                        zone: shown::name(&name),
                    },
                )),
                Err(problem) => authority.left_out.push((server, problem)),
            }
        }
        Ok(Some(authority))
    }
}
