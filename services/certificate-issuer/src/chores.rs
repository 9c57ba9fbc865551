//! Periodic tasks, run by one process at a time.

pub(crate) mod history;
pub(crate) mod publication;
pub(crate) mod renewal;
pub(crate) mod revocation;
pub(crate) mod rollover;
