//! A year of an estate's renewals, in as many certificate lifetimes as a year has.
//!
//! - [`course`]: the whole run.
//! - `fleet`: the instances, and the records that their tenants set once.
//! - `prober`: a visitor who never stops.
//! - `trouble`: processes that die, and an outage of the CA.
//! - `sampler`: the certificates in use, sample by sample.
//! - `past`: the history is pruned, and counted nevertheless.
//! - `growth`, `bloat`: whether tables grow for ever.
//! - `report`, `plot`: the results.

mod bloat;
pub mod course;
mod fleet;
mod growth;
mod past;
mod plot;
mod prober;
mod report;
mod sampler;
mod trouble;
