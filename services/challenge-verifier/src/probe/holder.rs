//! Whether the instance that has a domain still proves it.

use pipeline::persist::PersistExpected;
use time::OffsetDateTime;
use tokio::time::timeout;

use super::Prober;
use crate::{Expected, Method, Way};

/// What would show that a domain is still the instance's that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HolderExpected {
    /// The domain in its ASCII form; it may be a wildcard.
    pub domain: String,
    /// The standing record of its tenant, where the CA offers dns-persist-01.
    pub persist: Option<PersistExpected>,
    /// CloudFront's name of its distribution, to which the domain's own name would lead.
    pub distribution: Option<String>,
}

impl Prober {
    /// What is seen of the holder's proof, in one line for users: its tenant's standing record, or that the name leads to its
    /// distribution. `None`: neither.
    pub async fn proof_of_holder(&self, expected: &HolderExpected, now: OffsetDateTime) -> Option<String> {
        let record = Expected {
            domain: expected.domain.clone(),
            persist: expected.persist.clone(),
            dns01: None,
            http01: None,
            caa: None,
        };
        let (found, leads) = tokio::join!(
            self.probe(&record, now),
            timeout(self.timeout, self.leads_to_distribution(expected))
        );
        if found.in_place == Some(Method::DnsPersist01) {
            return found.ways.first().map(Way::to_string);
        }
        leads.ok().flatten()
    }

    async fn leads_to_distribution(&self, expected: &HolderExpected) -> Option<String> {
        let distribution = expected.distribution.as_deref()?;
        let leads = self.dns.leads_to(&expected.domain, distribution).await;
        leads.then(|| format!("{} leads to {distribution}", expected.domain))
    }
}
