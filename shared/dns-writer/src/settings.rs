//! Settings: the zone, and who serves it.

use std::sync::Arc;
use std::time::Duration;

use pipeline::domain::{LONGEST_NAME, zone_name};

use crate::writer::DnsWriter;
use crate::writers::{Kind, WriterArgs};

/// To which zone tenants may delegate their challenges, and how the broker writes there.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "DNS delegation")]
pub struct DelegationArgs {
    /// Zone of the broker's own in which it answers the CA for its tenants, such as acme.platform.example: each domain gets a
    /// name there, to which the tenant points one CNAME for ever. Unset: not offered. docs/operators/delegation.md
    #[arg(long, env)]
    delegation_zone: Option<String>,
    /// How the broker writes to the zone.
    #[arg(long, env, value_enum, default_value = "rfc2136")]
    dns_writer: Kind,
    /// How often values whose order has ended are removed from the zone; 0s: never.
    #[arg(long, env, default_value = "30s")]
    delegation_interval: humantime::Duration,
    /// How often the whole zone is read, to find and remove values that no order explains; 0s: never.
    #[arg(long, env, default_value = "1h")]
    delegation_reconcile_interval: humantime::Duration,
    #[command(flatten)]
    writers: WriterArgs,
}

/// A zone in which the broker answers challenges.
#[derive(Clone)]
pub struct Delegation {
    /// The zone, in lower case, without a trailing dot.
    pub zone: String,
    /// Who writes to it.
    pub writer: Arc<dyn DnsWriter>,
}

/// How often the zone is tidied up.
#[derive(Debug, Clone, Copy)]
pub struct Intervals {
    /// Of values whose order has ended.
    pub removal: Duration,
    /// Of values that no order explains.
    pub reconciliation: Duration,
}

/// An invalid setting. Quotes no secret.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSetting {
    /// The zone is no name.
    #[error("DELEGATION_ZONE is not the name of a DNS zone")]
    Zone,
    /// A setting of the chosen writer is missing.
    #[error("DELEGATION_ZONE needs {0}")]
    Missing(&'static str),
    /// A setting of the chosen writer can't be used.
    #[error("{setting} can't be used: {why}")]
    Unusable {
        /// The setting.
        setting: &'static str,
        /// Why not; without its value.
        why: String,
    },
}

impl DelegationArgs {
    /// How often the zone is tidied up.
    pub fn intervals(&self) -> Intervals {
        Intervals {
            removal: self.delegation_interval.into(),
            reconciliation: self.delegation_reconcile_interval.into(),
        }
    }

    /// Whether a zone is set.
    pub fn is_set(&self) -> bool {
        self.zone().is_some()
    }

    fn zone(&self) -> Option<&str> {
        let zone = self.delegation_zone.as_deref()?.trim_end_matches('.');
        Some(zone).filter(|zone| !zone.is_empty())
    }

    /// How the broker writes to the zone.
    pub fn kind(&self) -> Kind {
        self.dns_writer
    }

    /// The zone and its writer, if a zone is set; an empty value counts as unset. Connects to nothing.
    ///
    /// # Errors
    /// When a setting is missing or invalid.
    pub async fn delegation(self) -> Result<Option<Delegation>, InvalidSetting> {
        let Some(zone) = self.zone() else {
            return Ok(None);
        };
        let zone = zone_name(zone)
            .filter(|zone| zone.len() <= MOST_BYTES)
            .ok_or(InvalidSetting::Zone)?;
        let writer = self.writers.open(self.dns_writer, &zone).await?;
        Ok(Some(Delegation { zone, writer }))
    }
}

/// A target has one more label.
const MOST_BYTES: usize = LONGEST_NAME - 1 - 63;
