//! What is done now and then, by one process at a time.

pub(crate) mod reconcile;
