//! Periodic tasks, run by one process at a time.

pub(crate) mod reconcile;
