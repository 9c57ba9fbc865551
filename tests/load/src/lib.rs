//! How much the broker takes at once, and how fair it is: the platform and the tenants of the chaos run, in fair weather.

pub mod crowd;
mod durations;
pub mod fairness;
mod site;
