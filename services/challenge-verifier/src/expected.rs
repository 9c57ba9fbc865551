//! What would prove control of one domain.

use pipeline::caa::CaaExpected;
use pipeline::proof::Challenges;

/// What the CA has to see for one domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The domain in its ASCII form (A-labels), without a trailing dot; it may be a wildcard.
    pub domain: String,
    /// The challenges that the order offers; one of them is enough.
    pub challenges: Challenges,
    /// What the domain's CAA records have to allow; `None` when the names that they may use for the CA are unknown.
    pub caa: Option<CaaExpected>,
}
