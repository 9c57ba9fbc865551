//! The ACME client: connections, the CA's directory, the signed requests that instant-acme does not support, the
//! classification of errors.

pub(crate) mod acme_client;
pub(crate) mod directory;
pub(crate) mod jws;
pub(crate) mod key_change;
pub(crate) mod registration;
pub(crate) mod renewal_info;
pub(crate) mod triage;
pub(crate) mod words;
