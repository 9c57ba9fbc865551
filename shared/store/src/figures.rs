//! Totals for gauges: what waits, what runs, and when certificates end.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::{Statement, statement};
use crate::steps::as_millis;
use crate::turn::Turn;

/// Totals. A kind with none is absent.
#[derive(Debug, Deserialize)]
pub struct Figures {
    /// When the totals were read, except the certificates: Unix time by the database's clock.
    pub read_at: f64,
    /// Unfinished steps, by kind.
    pub steps: BTreeMap<String, Waiting>,
    /// The number of running operations, by kind.
    pub operations: BTreeMap<String, u64>,
    /// The certificates in use, by their last count. `None`: they were never counted.
    pub certificates: Option<CertificateCount>,
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

/// A count of the certificates in use by instances that are not removed.
#[derive(Debug, Clone, Deserialize)]
pub struct CertificateCount {
    /// When they were counted, as Unix time.
    pub counted_at: f64,
    /// How many, by the days they have left; see [`Figures::DAYS_LEFT`].
    pub days_left: BTreeMap<String, u64>,
    /// When the first of them ends, as Unix time.
    pub soonest_end: Option<f64>,
    /// How many of them are long overdue: two thirds of the time they had left when they became due have passed.
    pub late: u64,
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
    /// Reads the figures, in one statement. It counts no certificates: see [`Self::count_certificates`].
    ///
    /// # Errors
    /// Database errors.
    pub async fn figures(&self) -> Result<Figures, StoreError> {
        let client = self.client().await?;
        let row = statement!("figures").one(&client, &[]).await?;
        Ok(serde_json::from_value(row.try_get(0)?)?)
    }

    /// Counts the certificates for all processes, if their last count is older than `at_most` and no other process is
    /// counting: nobody waits for one that is slow, and one that dies leaves the last count.
    ///
    /// # Errors
    /// Database errors.
    pub async fn count_certificates(&self, at_most: Duration) -> Result<(), StoreError> {
        let at_most = as_millis(at_most);
        let client = self.client().await?;
        let recent: bool = counted().one(&client, &[&at_most]).await?.try_get(0)?;
        drop(client);
        if recent {
            return Ok(());
        }
        self.in_transaction("count-certificates", async |tx| {
            let mine = Turn::CountCertificates.take(tx).await?;
            // Another one may have been faster.
            if mine && !counted().one(tx, &[&at_most]).await?.try_get::<_, bool>(0)? {
                statement!("certificates-count").run(tx, &[]).await?;
            }
            Ok(())
        })
        .await
    }
}

/// Whether the last count is no older than so many milliseconds. A database that was restored may have one of a later
/// time.
fn counted() -> Statement {
    Statement::new(
        "certificates-counted",
        "select exists (select from certificate_count \
         where counted_at between now() - $1::float8 * interval '1 millisecond' and now())",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_tells_days_as_everybody_reads_them() {
        let count = include_str!("sql/certificates-count.sql");
        for days_left in Figures::DAYS_LEFT {
            assert!(count.contains(&format!(" '{days_left}'\n")), "{days_left}");
        }
    }
}
