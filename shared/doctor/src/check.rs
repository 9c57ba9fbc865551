//! One check: its subject, its time limit, and its work.

use std::pin::Pin;
use std::time::Duration;

use crate::finding::Finding;

/// The default time limit of a check.
const LIMIT: Duration = Duration::from_secs(10);

/// A check of something external, not started yet. It must change nothing there.
pub struct Check {
    pub(crate) about: &'static str,
    limit: Duration,
    work: Pin<Box<dyn Future<Output = Vec<Finding>> + Send>>,
}

impl Check {
    /// A check with one finding, within 10 s.
    pub fn one(about: &'static str, work: impl Future<Output = Finding> + Send + 'static) -> Self {
        Self::several(about, async { vec![work.await] })
    }

    /// A check with several findings, within 10 s together.
    pub fn several(about: &'static str, work: impl Future<Output = Vec<Finding>> + Send + 'static) -> Self {
        Self {
            about,
            limit: LIMIT,
            work: Box::pin(work),
        }
    }

    /// The same with another time limit.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs the check. A check that exceeds its time limit has failed.
    pub(crate) async fn run(self) -> Vec<Finding> {
        match tokio::time::timeout(self.limit, self.work).await {
            Ok(findings) => findings,
            Err(_elapsed) => vec![Finding::fail(
                self.about,
                format!("no answer within {:?}", self.limit),
                "check that it is up, and that no firewall drops what is sent there",
            )],
        }
    }
}
