//! Whether the instance that has a domain still proves it.

use pipeline::proof::Challenges;
use time::OffsetDateTime;
use tokio::time::timeout;

use super::Prober;
use crate::Expected;

/// What would show that the instance that has a domain still controls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HolderExpected {
    /// The domain in its ASCII form; it may be a wildcard.
    pub domain: String,
    /// The challenges that prove it in any order.
    pub challenges: Challenges,
    /// CloudFront's name for its distribution, which the domain should point to.
    pub distribution: Option<String>,
}

impl Prober {
    /// The holder's visible proof, in one line for users: its tenant's standing record or CNAME, or that the name points to its
    /// distribution. `None`: neither.
    pub async fn proof_of_holder(&self, expected: &HolderExpected, now: OffsetDateTime) -> Option<String> {
        let record = Expected {
            domain: expected.domain.clone(),
            challenges: expected.challenges.clone(),
            caa: None,
        };
        let (found, leads) = tokio::join!(
            self.probe(&record, now),
            self.leads_to_distribution(&expected.domain, expected.distribution.as_deref())
        );
        if let Some(way) = found.ways.iter().find(|way| way.shows_control()) {
            return Some(way.control());
        }
        leads
    }

    /// That the domain leads to the distribution, in one line for users, if that is seen in time.
    pub async fn leads_to_distribution(&self, domain: &str, distribution: Option<&str>) -> Option<String> {
        let distribution = distribution?;
        let leads = timeout(self.timeout, self.dns.leads_to(domain, distribution)).await;
        leads
            .unwrap_or(false)
            .then(|| format!("{domain} leads to {distribution}"))
    }
}
