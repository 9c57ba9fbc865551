//! What browsers of a task's instance shall see.

use aws::{Viewer, ViewerSettings, broken};
use certificate_store::Reference;
use store::{Certificate, Task};
use worker::Stop;

/// Where the certificate is; `None` before somebody was about to put it anywhere.
///
/// # Errors
/// It is where only a newer program looks.
pub fn reference(certificate: &Certificate) -> Result<Option<Reference>, Stop> {
    let reference = certificate.reference.as_ref().map(Reference::read);
    reference.transpose().map_err(Stop::internal)
}

/// The domains of the task's instance by the certificate.
///
/// # Errors
/// What the attempt comes to: the certificate was not uploaded, against the plan.
pub fn viewer<'a>(task: &Task, certificate: &Certificate, settings: &'a ViewerSettings) -> Result<Viewer<'a>, Stop> {
    let Some(Reference {
        name,
        in_cloudfront: Some(in_cloudfront),
        ..
    }) = reference(certificate)?
    else {
        return Err(broken(format!("certificate {} was not uploaded", certificate.id)).into());
    };
    Ok(Viewer {
        domains: task.instance.domains.clone(),
        stored: certificate.id,
        certificate: in_cloudfront,
        name,
        uploaded_ago: certificate.uploaded_ago,
        settings,
    })
}
