//! What a validating resolver returns for a name: CAs use one (RFC 4035 §4; Baseline Requirements §3.2.2.4.7 and
//! §3.2.2.8.1 require DNSSEC validation).
//!
//! Only SERVFAIL counts. If the resolver has no record, that says nothing: it may have cached the denial before the
//! record was set.

use hickory_resolver::proto::rr::{Name, RecordType};

use super::answer::{Reply, SERVFAIL};
use super::exchange::{Asking, Question};
use super::servers::first_message;
use super::{Dns, DnsProblem, parse};
use crate::shown;

fn is_servfail(problem: &DnsProblem) -> bool {
    matches!(problem, DnsProblem::Code { code, .. } if code == SERVFAIL)
}

impl Dns {
    /// Why the resolver returns nothing for the TXT records of a name that its own servers answer for. `None` when it
    /// returns them, when it doesn't respond, and when it isn't checked because its answers are final already or the
    /// setting disables the check.
    pub async fn withheld(&self, name: &str) -> Option<DnsProblem> {
        if self.fixed || !self.resolver_check {
            return None;
        }
        let name = parse(name).ok()?;
        let problem = self.ask_resolver(&name, RecordType::TXT).await.err()?;
        match self.explained(problem, &name, RecordType::TXT).await {
            explained @ DnsProblem::Dnssec { .. } => Some(explained),
            problem if is_servfail(&problem) => match problem {
                DnsProblem::Code { server, why, .. } => Some(DnsProblem::Unresolvable { server, why }),
                other => Some(other),
            },
            unknown => {
                tracing::debug!(%name, %unknown, "what the resolver sees is left to the CA");
                None
            }
        }
    }

    /// Queries the one server that the settings name.
    pub(super) async fn ask_fixed(&self, name: &Name, kind: RecordType) -> Result<(String, Reply), DnsProblem> {
        match self.ask_resolver(name, kind).await {
            Err(problem) => Err(self.explained(problem, name, kind).await),
            answered => answered,
        }
    }

    /// If a resolver's SERVFAIL becomes an answer when validation is disabled, DNSSEC is the cause.
    pub(super) async fn explained(&self, problem: DnsProblem, name: &Name, kind: RecordType) -> DnsProblem {
        if !is_servfail(&problem) {
            return problem;
        }
        let unchecked = self.ask_resolver_as(Asking::Unchecked, name, kind).await;
        match (problem, unchecked) {
            (DnsProblem::Code { server, why, .. }, Ok(_)) => DnsProblem::Dnssec { server, why },
            (problem, _) => problem,
        }
    }

    /// Whether the resolver validates signatures, according to its response about `zone`, which is signed; and which
    /// resolver that is.
    ///
    /// # Errors
    /// When no resolver responds.
    pub async fn resolver_validates(&self, zone: &str) -> Result<(String, bool), DnsProblem> {
        let mut name = Name::from_ascii(zone).map_err(|_| DnsProblem::BadName {
            name: shown::quoted(zone.as_bytes()),
        })?;
        name.set_fqdn(true);
        let question = Question {
            name,
            kind: RecordType::SOA,
            asking: Asking::Recursive,
        };
        let servers = self.resolvers.servers().await?;
        let (server, message) = first_message(&servers, &question, self.patience.timeout).await?;
        Ok((server, message.metadata.authentic_data))
    }

    /// Whether all queries go to the one server that the settings name.
    pub fn is_fixed(&self) -> bool {
        self.fixed
    }
}
