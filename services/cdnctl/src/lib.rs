//! The operator's tool. Each subcommand is a module of its own with its arguments, what it does, and how it is told; what
//! several of them need is beside them.
//!
//! - [`probe`]: whether an instance's domains are served, seen from outside.
//! - [`log_level`]: what every service logs.

pub mod ended;
pub mod log_level;
pub mod probe;
mod shown;
mod table;
