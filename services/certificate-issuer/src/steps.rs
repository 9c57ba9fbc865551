//! The steps, one file each.

pub(crate) mod answer_challenges;
pub(crate) mod await_validation;
mod caa_refusal;
pub(crate) mod finalize_order;
pub(crate) mod place_order;
pub(crate) mod publish_challenges;
