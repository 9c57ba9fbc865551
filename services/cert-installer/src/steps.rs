//! The steps, one file each.

pub(crate) mod attach_certificate;
pub(crate) mod retire_certificates;
pub(crate) mod upload_certificate;
