//! Set aliases and certificate on the distribution, together, in one update.

use aws::{Viewer, broken};
use pipeline::Outcome;
use store::Task;
use worker::Stop;

use crate::handler::Installer;

impl Installer {
    pub(crate) async fn attach_certificate(&self, task: &Task) -> Result<Outcome, Stop> {
        let Some(certificate) = self.store.certificate(task).await? else {
            return Ok(broken("no certificate was stored in this round"));
        };
        let Some(distribution) = &task.instance.distribution_id else {
            return Ok(broken("the instance has no distribution"));
        };
        let viewer = Viewer::of(task, &certificate, &self.viewer)?;
        self.cloudfront.attach(&self.store, task, distribution, &viewer).await
    }
}
