//! What would count as proof, for one domain.

use pipeline::caa::CaaExpected;
use pipeline::proof::Challenges;

/// What the CA would have to see for one domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The domain in its ASCII form (A-labels), without a trailing dot; it may be a wildcard.
    pub domain: String,
    /// The ways that the order offers; any one will do.
    pub challenges: Challenges,
    /// What the domain's CAA records have to allow; `None`: it isn't known what they may call the CA.
    pub caa: Option<CaaExpected>,
}
