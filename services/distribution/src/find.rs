//! Find a distribution that was made without being written down: a crash lies between the two.

use aws::{Failure, Peer};
use aws_sdk_cloudfront::types::DistributionList;
use store::Task;

use crate::config::comment;
use crate::handler::Distributions;

/// A distribution that is the instance's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) id: String,
    pub(crate) domain: String,
}

impl Distributions {
    /// The distribution that was made for the task's instance, if there is one.
    ///
    /// Lists don't tell the caller reference, so the comment selects; but anybody in the account can write a comment,
    /// while the caller reference was given at creation and can't change: it alone decides.
    pub(crate) async fn find_distribution(&self, task: &Task) -> Result<Option<Found>, Failure> {
        let wanted = comment(&task.instance.id);
        let mut marker: Option<String> = None;
        loop {
            let page = self.page(marker.take()).await?;
            for listed in page.items() {
                if listed.comment != wanted {
                    continue;
                }
                // It may be deleted between list and get.
                let Some(distribution) = self.cloudfront.distribution(&listed.id).await? else {
                    continue;
                };
                let reference = distribution.distribution_config.map(|config| config.caller_reference);
                if reference.as_deref() == Some(task.instance.id.as_str()) {
                    return Ok(Some(Found {
                        id: distribution.id,
                        domain: distribution.domain_name,
                    }));
                }
                tracing::warn!(
                    distribution = listed.id,
                    "a distribution has this instance's comment but not its caller reference"
                );
            }
            match page.next_marker {
                Some(next) if page.is_truncated && !next.is_empty() => marker = Some(next),
                _ => return Ok(None),
            }
        }
    }

    /// A page of the account's distributions.
    pub(crate) async fn page(&self, marker: Option<String>) -> Result<DistributionList, Failure> {
        const ACTION: &str = "ListDistributions";
        self.cloudfront
            .client()
            .list_distributions()
            .set_marker(marker)
            .send()
            .await
            .map_err(|error| Failure::new(Peer::CloudFront, ACTION, &error))?
            .distribution_list
            .ok_or_else(|| Failure::incomplete(Peer::CloudFront, ACTION, "list"))
    }
}
