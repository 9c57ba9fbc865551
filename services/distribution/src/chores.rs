//! What is done now and then, by one process at a time.

pub(crate) mod reconcile;
pub(crate) mod reconcile_functions;
