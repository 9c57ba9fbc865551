//! Floors: the least that does the same as the product.

pub(crate) mod answers;
pub(crate) mod engine;
pub(crate) mod hello;
pub(crate) mod looks;
pub(crate) mod order;
pub(crate) mod queues;
pub(crate) mod server;
pub(crate) mod transaction;
pub(crate) mod ttl;
