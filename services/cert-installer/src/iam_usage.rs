//! How many server certificates the AWS account holds, whoever's they are, and how many it may: each renewal needs room for one
//! more while the old one is still in use.

use aws::{Failure, Peer};
use aws_sdk_iam::Client;
use aws_sdk_iam::types::SummaryKeyType;

/// From this share of the quota on an operator is told, in percent.
const NEARLY_FULL: u32 = 80;
const ACTION: &str = "GetAccountSummary";

/// What is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IamUsage {
    pub(crate) server_certificates: u32,
    pub(crate) quota: u32,
}

impl IamUsage {
    /// Asks IAM.
    ///
    /// # Errors
    /// What AWS or the connection to it came up with.
    pub(crate) async fn read(iam: &Client) -> Result<Self, Failure> {
        let answer = iam.get_account_summary().send().await;
        let answer = answer.map_err(|error| Failure::new(Peer::Iam, ACTION, &error))?;
        let summary = answer.summary_map.unwrap_or_default();
        let count = |key| summary.get(&key).and_then(|count| u32::try_from(*count).ok());
        match (
            count(SummaryKeyType::ServerCertificates),
            count(SummaryKeyType::ServerCertificatesQuota),
        ) {
            (Some(server_certificates), Some(quota)) => Ok(Self {
                server_certificates,
                quota,
            }),
            _ => Err(Failure::incomplete(Peer::Iam, ACTION, "count of server certificates")),
        }
    }

    /// Whether renewals may soon find no room.
    pub(crate) fn is_nearly_full(self) -> bool {
        u64::from(self.server_certificates) * 100 >= u64::from(self.quota) * u64::from(NEARLY_FULL)
    }
}

impl std::fmt::Display for IamUsage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the account holds {} server certificates of at most {}",
            self.server_certificates, self.quota
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_told_while_there_is_room_still() {
        let nearly_full = |server_certificates, quota| {
            IamUsage {
                server_certificates,
                quota,
            }
            .is_nearly_full()
        };
        assert!(!nearly_full(15, 20) && nearly_full(16, 20) && nearly_full(21, 20));
        assert!(!nearly_full(0, 20) && nearly_full(0, 0));
    }
}
