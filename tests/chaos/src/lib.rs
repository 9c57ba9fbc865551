//! Everything goes wrong while operations run, and every operation must end all the same, once.
//!
//! What goes wrong when ([`schedule`]) and what is asked for ([`jobs`]) are pure functions of a seed; what comes of it is
//! counted ([`facts`], [`evidence`]) and held against the promise ([`verdict`]).

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
