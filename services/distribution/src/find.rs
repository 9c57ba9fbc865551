//! Finds a distribution that was created but not recorded: a crash happened between the two.

use aws::Failure;
use store::Task;

use crate::config::comment;
use crate::distributions::Distributions;

/// A distribution that belongs to the instance.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) id: String,
    pub(crate) domain: String,
}

impl Distributions {
    /// The distribution that was created for the task's instance, if there is one.
    ///
    /// Lists don't contain the caller reference, so the comment selects candidates. But anybody in the account can
    /// write a comment, while the caller reference was set at creation and can't change: it alone decides.
    pub(crate) async fn find_distribution(&self, task: &Task) -> Result<Option<Found>, Failure> {
        let wanted = comment(&task.instance.id);
        let all = self.cloudfront.list().await?;
        for listed in all.iter().filter(|listed| listed.comment == wanted) {
            // It may have been deleted between list and get.
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
        Ok(None)
    }
}
