//! Sets aliases and certificate on the distribution, together, in one update.

use aws::broken;
use aws_effects::{Fenced, viewer};
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
        let viewer = viewer(task, &certificate, &self.viewer)?;
        let fenced = Fenced {
            cloudfront: &self.cloudfront,
            store: &self.store,
            task,
        };
        fenced.attach(distribution, &viewer).await
    }
}
