//! Dynamic updates (RFC 2136) signed with TSIG (RFC 8945), and zone transfers (RFC 5936) to list what is there. All of it
//! over TCP: no message is too large, and none is delivered twice.

mod exchange;
mod explain;
mod names;
mod response;
mod settings;
mod transfer;
mod update;

use std::time::Duration;

use async_trait::async_trait;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, TSigner};
use pipeline::reason::DnsWriteProblem;
use telemetry::Call;
use tokio::time::timeout;

use crate::settings::InvalidSetting;
use crate::writer::{DnsWriter, TxtChange, TxtSet, Written};

pub(crate) use settings::Args;

/// Time limit of an update, from the name of the server to the last byte of its response.
const UPDATE_LIMIT: Duration = Duration::from_secs(10);
/// Time limit of a zone transfer.
const TRANSFER_LIMIT: Duration = Duration::from_secs(30);

/// The primary server of the zone, and the key for it.
pub(crate) struct Writer {
    /// host:port
    server: String,
    /// The zone's apex.
    zone: Name,
    /// The delegation zone: the zone itself, or a name in it.
    below: Name,
    signer: TSigner,
}

impl Writer {
    /// The writer with these settings. It connects to nothing.
    pub(crate) async fn open(args: Args, zone: &str) -> Result<Self, InvalidSetting> {
        args.writer(zone)
    }

    /// Runs one attempt within its time limit, with a span and metrics.
    async fn attempt<T>(
        &self,
        operation: &'static str,
        limit: Duration,
        whole: impl Future<Output = Result<T, DnsWriteProblem>>,
    ) -> Result<T, DnsWriteProblem> {
        // Not `dns`: those are the tenants' servers.
        let call = Call::begin("dns-write", operation);
        let result = timeout(limit, whole)
            .await
            .unwrap_or_else(|_| Err(self.unreachable(format!("no response within {} s", limit.as_secs()))));
        call.ended(match &result {
            Ok(_) => ResponseCode::NoError.to_str(),
            Err(DnsWriteProblem::Unreachable { .. }) => "lost",
            Err(problem) => problem.name(),
        });
        result
    }

    fn unreachable(&self, why: String) -> DnsWriteProblem {
        let server = self.server.clone();
        DnsWriteProblem::Unreachable { server, why }
    }

    fn failed(&self, said: impl Into<String>) -> DnsWriteProblem {
        let (server, said) = (self.server.clone(), said.into());
        DnsWriteProblem::Failed { server, said }
    }
}

#[async_trait]
impl DnsWriter for Writer {
    fn most_values(&self) -> usize {
        update::MOST_VALUES
    }

    async fn apply(&self, changes: &[TxtChange]) -> Result<Written, DnsWriteProblem> {
        let message = update::message(&self.zone, changes).map_err(|why| self.failed(why))?;
        let whole = async { exchange::Exchange::begin(self, message).await?.next().await };
        self.attempt("UPDATE", UPDATE_LIMIT, whole).await?;
        Ok(Written(None))
    }

    async fn is_everywhere(&self, _written: &Written) -> Result<bool, DnsWriteProblem> {
        Ok(true)
    }

    async fn list(&self) -> Result<Vec<TxtSet>, DnsWriteProblem> {
        self.attempt("AXFR", TRANSFER_LIMIT, transfer::texts(self)).await
    }

    fn server(&self) -> String {
        self.server.clone()
    }
}
