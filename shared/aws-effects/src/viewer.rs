//! What browsers of a task's instance shall see.

use aws::{Viewer, ViewerSettings, broken};
use pipeline::Outcome;
use store::{Certificate, Task};

/// The domains of the task's instance by the certificate.
///
/// # Errors
/// What the attempt comes to: the certificate is not in IAM, against the plan.
pub fn viewer<'a>(
    task: &Task,
    certificate: &'a Certificate,
    settings: &'a ViewerSettings,
) -> Result<Viewer<'a>, Outcome> {
    match (&certificate.iam_id, &certificate.iam_name) {
        (Some(id), Some(name)) => Ok(Viewer {
            domains: task.instance.domains.clone(),
            stored: certificate.id,
            certificate: id,
            iam_name: name,
            uploaded_ago: certificate.uploaded_ago,
            settings,
        }),
        _ => Err(broken(format!("certificate {} was not uploaded", certificate.id))),
    }
}
