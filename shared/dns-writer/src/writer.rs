//! The interface of a DNS server that can be written to.

use async_trait::async_trait;
use pipeline::reason::DnsWriteProblem;

/// A change of the TXT values at one name. Adding a value that is there, and removing one that isn't, is no error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TxtChange {
    /// The name, without a trailing dot, in lower case.
    pub name: String,
    /// The values to add.
    pub add: Vec<String>,
    /// The values to remove.
    pub remove: Vec<String>,
}

/// The TXT values at one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxtSet {
    /// The name, without a trailing dot, in lower case.
    pub name: String,
    /// Its values.
    pub values: Vec<String>,
}

/// A change that the server has accepted: its own name for it, if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written(pub Option<String>);

/// A DNS server that takes changes of TXT records in one zone. Each call is one attempt within a time limit, and may be
/// repeated, also by a worker that was superseded: changes are idempotent and commute, so two orders never remove each
/// other's values. No method has a default, so that a writer that lacks one doesn't compile.
#[async_trait]
pub trait DnsWriter: Send + Sync {
    /// The maximum number of values that one [`Self::apply`] may add or remove.
    fn most_values(&self) -> usize;

    /// Applies all changes, or none of them. Every name is below the zone.
    async fn apply(&self, changes: &[TxtChange]) -> Result<Written, DnsWriteProblem>;

    /// Whether the change has reached all of the server's own replicas, if the server can tell; else `true`: what
    /// resolvers see is checked by challenge-verifier in any case.
    async fn is_everywhere(&self, written: &Written) -> Result<bool, DnsWriteProblem>;

    /// Every TXT record below the zone, to find what no order needs.
    async fn list(&self) -> Result<Vec<TxtSet>, DnsWriteProblem>;

    /// The server's name for messages: its address, or the service's name.
    fn server(&self) -> String;
}
