//! Everything fails while operations run, and every operation must still end, exactly once.
//!
//! The faults ([`schedule`]) and the requests ([`jobs`]) are pure functions of a seed; the results are counted
//! ([`facts`], [`evidence`]) and compared with the promises ([`verdict`]).

pub mod controller;
pub mod evidence;
pub mod facts;
pub mod fault;
mod handing;
pub mod hands;
pub mod holdings;
pub mod injector;
pub mod jobs;
pub mod life;
pub mod live;
pub mod memory;
pub mod rabbitmq;
pub mod random;
pub mod report;
pub mod run;
pub mod schedule;
pub mod setup;
pub mod tenant;
pub mod verdict;

pub use run::{Outcome, Wish, run};
