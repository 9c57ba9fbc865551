//! The broker's capacity and fairness: the platform and the tenants of the chaos run, without faults.

pub mod crowd;
mod durations;
pub mod fairness;
mod site;
