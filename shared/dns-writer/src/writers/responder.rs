//! The broker's own dns-responder. It serves what PostgreSQL has, and every value is there before it is to be written
//! (`store::Store::values_to_publish`) and marked before it is to be removed, so there is nothing to write anywhere. What
//! resolvers see is checked by challenge-verifier in any case.

use async_trait::async_trait;
use pipeline::reason::DnsWriteProblem;

use crate::settings::InvalidSetting;
use crate::writer::{DnsWriter, TxtChange, TxtSet, Written};

/// It has no setting of its own.
#[derive(Debug, Clone, clap::Args)]
#[group(skip)]
pub(crate) struct Args {}

/// dns-responder, in any number of processes.
pub(crate) struct Writer;

impl Writer {
    /// The writer. Nothing is needed for it.
    pub(crate) async fn open(_args: Args, _zone: &str) -> Result<Self, InvalidSetting> {
        Ok(Self)
    }
}

#[async_trait]
impl DnsWriter for Writer {
    fn most_values(&self) -> usize {
        usize::MAX
    }

    async fn apply(&self, _changes: &[TxtChange]) -> Result<Written, DnsWriteProblem> {
        Ok(Written(None))
    }

    async fn is_everywhere(&self, _written: &Written) -> Result<bool, DnsWriteProblem> {
        Ok(true)
    }

    /// Nothing that has no row is served.
    async fn list(&self) -> Result<Vec<TxtSet>, DnsWriteProblem> {
        Ok(Vec::new())
    }

    fn server(&self) -> String {
        "dns-responder".to_owned()
    }
}
