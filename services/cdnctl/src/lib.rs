//! The operator's tool. Each subcommand is a module of its own with its arguments, what it does, and how it is told; what
//! several of them need is beside them.
//!
//! - [`show`]: all that is known of an instance.
//! - [`instances`], [`certificates`], [`accounts`], [`orphans`]: all of them, in a line each.
//! - [`queues`], [`parked`]: what RabbitMQ holds.
//! - [`retry`], [`renew`], [`cancel`]: what an operator can do to an operation.
//! - [`rollover`]: other keys for the tenants' accounts at the CA.
//! - [`adopt`]: distributions of another broker.
//! - [`doctor`]: everything at once.
//! - [`drift`]: whether CloudFront has what it was told.
//! - [`probe`]: whether an instance's domains are served, seen from outside.
//! - [`live_check`]: what is believed of AWS, tried with a real account.
//! - [`log_level`]: what every service logs.

pub mod accounts;
pub mod adopt;
pub mod cancel;
pub mod certificates;
mod cloudfront;
mod command_error;
mod confirm;
mod database;
pub mod doctor;
pub mod domains;
pub mod drift;
pub mod exit;
pub mod instances;
pub mod live_check;
pub mod log_level;
pub mod orphans;
mod out;
pub mod parked;
pub mod probe;
pub mod queues;
pub mod release;
pub mod renew;
pub mod retry;
pub mod rollover;
pub mod show;
mod shown;
mod table;

pub use command_error::CommandError;
