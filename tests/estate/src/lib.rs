//! A year of an estate's renewals, in as many lives of its certificates as a year has.
//!
//! - [`course`]: the whole of it.
//! - `fleet`: the instances, and the records that their tenants set once.
//! - `prober`: a visitor who never stops.
//! - `trouble`: processes that die, and the CA that is away.
//! - `sampler`: what is in use, moment for moment.
//! - `report`, `plot`: what came of it.

pub mod course;
mod fleet;
mod plot;
mod prober;
mod report;
mod sampler;
mod trouble;
