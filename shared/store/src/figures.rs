//! Totals for gauges: what waits, what runs, and when certificates end.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::statement;

/// Totals. A kind with none is absent.
#[derive(Debug, Deserialize)]
pub struct Figures {
    /// When the totals were read: Unix time by the database's clock.
    pub read_at: f64,
    /// Unfinished steps, by kind.
    pub steps: BTreeMap<String, Waiting>,
    /// The number of running operations, by kind.
    pub operations: BTreeMap<String, u64>,
    /// The number of certificates in use by instances that are not removed, by the days they have left; see
    /// [`Self::DAYS_LEFT`].
    pub certificates: BTreeMap<String, u64>,
    /// When the first of those certificates ends, as Unix time.
    pub soonest_end: Option<f64>,
    /// How many of those certificates are long overdue: two thirds of the time they had left when they became due have
    /// passed.
    pub late: u64,
    /// The number of instances whose renewals do not complete.
    pub in_trouble: u64,
    /// The number of domains that nothing proves any more though their instances have them.
    #[serde(default)]
    pub proofs_gone: u64,
    /// The number of certificates that the CA is to revoke and has not yet, including those that are still served.
    pub to_revoke: u64,
    /// The number of accounts whose keys are to be changed and have not been yet.
    pub to_roll_over: u64,
    /// What IAM was seen to hold, within the last day. The gauges are named after IAM; another store has its own.
    pub iam: Option<IamUsage>,
}

/// What the AWS account holds.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct IamUsage {
    /// Server certificates, whoever owns them.
    pub server_certificates: u64,
    /// The quota of server certificates.
    pub quota: u64,
}

/// The unfinished steps of one kind.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Waiting {
    /// How many.
    pub count: u64,
    /// Seconds since the oldest was created.
    pub oldest_seconds: f64,
    /// Seconds since the most overdue one was due; 0 when none is due. A step being attempted is still due.
    pub overdue_seconds: f64,
}

impl Figures {
    /// The buckets for the days that a certificate has left.
    pub const DAYS_LEFT: [&str; 7] = ["ended", "0-6", "7-13", "14-20", "21-29", "30-59", "60+"];
}

impl Store {
    /// Reads the figures, in one statement.
    ///
    /// # Errors
    /// Database errors.
    pub async fn figures(&self) -> Result<Figures, StoreError> {
        let client = self.client().await?;
        let row = statement!("figures").one(&client, &[]).await?;
        Ok(serde_json::from_value(row.try_get(0)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_tells_days_as_everybody_reads_them() {
        let figures = include_str!("sql/figures.sql");
        for days_left in Figures::DAYS_LEFT {
            assert!(figures.contains(&format!(" '{days_left}'\n")), "{days_left}");
        }
    }
}
