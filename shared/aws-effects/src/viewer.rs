//! The viewer settings of a task's instance: what browsers are to be served.

use aws::{Viewer, ViewerSettings, broken};
use certificate_store::Reference;
use store::{Certificate, Task};
use worker::Stop;

/// The certificate's location; `None` before an upload was intended.
///
/// # Errors
/// The certificate is in a store that only a newer program has.
pub fn reference(certificate: &Certificate) -> Result<Option<Reference>, Stop> {
    let reference = certificate.reference.as_ref().map(Reference::read);
    reference.transpose().map_err(Stop::internal)
}

/// The domains of the task's instance, served with the certificate.
///
/// # Errors
/// The attempt's outcome when, contrary to the plan, the certificate was not uploaded.
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
