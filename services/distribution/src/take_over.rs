//! An update gets domains whose aliases other distributions of ours still have: everything else is configured first, then the
//! aliases are moved.

use aws::{Viewer, gone, to_move, unbuilt};
use pipeline::Outcome;
use store::{Certificate, Elsewhere, Task};
use worker::HandlerError;

use crate::handler::Distributions;

impl Distributions {
    pub(crate) async fn take_over(
        &self,
        task: &Task,
        certificate: &Certificate,
        viewer: &Viewer<'_>,
        function: Option<&str>,
        elsewhere: Vec<Elsewhere>,
    ) -> Result<Outcome, HandlerError> {
        let Some(id) = &task.instance.distribution_id else {
            return Ok(gone("", "no distribution to configure"));
        };
        let read = match self.cloudfront.config(id).await {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(gone(id, "no distribution to configure")),
            Err(failure) => return Ok(failure.outcome()),
        };
        let moving = to_move(elsewhere, &read.config);
        let rest = viewer.without(&moving);
        let mut changed = read.clone();
        self.change(task, &rest, function, &mut changed.config)
            .map_err(unbuilt)?;
        if changed.config != read.config
            && let Err(error) = self.cloudfront.update(&self.store, task, id, changed).await
        {
            return Ok(error.failure()?.outcome());
        }
        self.store.set_attached(task, certificate.id).await?;
        self.cloudfront.move_aliases(&self.store, task, id, &moving).await
    }
}
