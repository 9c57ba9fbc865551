//! The writer against BIND and Knot, as their packages install them, with the configurations that
//! docs/operators/delegation.md shows.

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

mod bind;
mod changes;
mod client;
mod clocks;
mod forged;
mod knot;
mod many;
mod nsd;
mod refusals;
mod silence;
mod world;
