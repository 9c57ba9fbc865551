//! The steps, one file each.

pub(crate) mod await_deployment;
pub(crate) mod configure_distribution;
pub(crate) mod create_distribution;
pub(crate) mod delete_distribution;
pub(crate) mod disable_distribution;
pub(crate) mod settle_function;
