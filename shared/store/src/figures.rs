//! Figures of everything at once, for gauges: what waits, what runs, and when certificates end.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::statement;

/// How much there is of everything. A kind of which there is nothing is not in it.
#[derive(Debug, Deserialize)]
pub struct Figures {
    /// When it was read: Unix time by the database's clock.
    pub read_at: f64,
    /// Steps that are not done, by kind.
    pub steps: BTreeMap<String, Waiting>,
    /// How many operations run, by kind.
    pub operations: BTreeMap<String, u64>,
    /// How many certificates are in use by instances that are not removed, by the days they have left; see
    /// [`Self::DAYS_LEFT`].
    pub certificates: BTreeMap<String, u64>,
    /// When the first of those certificates ends, as Unix time.
    pub soonest_end: Option<f64>,
    /// How many of those certificates were due long ago: two thirds of what was left then are over.
    pub late: u64,
    /// How many instances have renewals that don't come to their end.
    pub in_trouble: u64,
    /// How many certificates the CA is to revoke and has not, also those that still serve.
    pub to_revoke: u64,
    /// How many accounts' keys are to be changed and are not.
    pub to_roll_over: u64,
    /// What IAM was seen to hold, within the last day. The gauges are named after it; a store beside it has its own.
    pub iam: Option<IamUsage>,
}

/// What the AWS account holds.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct IamUsage {
    /// Server certificates, whoever's they are.
    pub server_certificates: u64,
    /// How many there may be.
    pub quota: u64,
}

/// The steps of one kind that are not done.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Waiting {
    /// How many.
    pub count: u64,
    /// Seconds since the oldest was made.
    pub oldest_seconds: f64,
    /// Seconds since the latest was due; 0 when none is due. One that is at work is still due.
    pub overdue_seconds: f64,
}

impl Figures {
    /// How the days that a certificate has left are told.
    pub const DAYS_LEFT: [&str; 7] = ["ended", "0-6", "7-13", "14-20", "21-29", "30-59", "60+"];
}

impl Store {
    /// Reads the figures, in one statement.
    ///
    /// # Errors
    /// Database errors.
    pub async fn figures(&self) -> Result<Figures, StoreError> {
        let client = self.client().await?;
        let row = statement!("figures").prepared().one(&client, &[]).await?;
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
