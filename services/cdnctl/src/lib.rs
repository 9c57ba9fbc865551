//! The operator's tool. Each subcommand is a module with its arguments, its work and its output; code that several of
//! them need is beside them.
//!
//! - [`show`]: everything known about an instance.
//! - [`instances`], [`certificates`], [`accounts`], [`orphans`]: all of them, one line each.
//! - [`queues`], [`parked`]: the contents of RabbitMQ.
//! - [`retry`], [`renew`], [`cancel`]: an operator's actions on an operation.
//! - [`notices`]: mails to tenants.
//! - [`link`]: the link to an instance's status page.
//! - [`rollover`]: new keys for the tenants' accounts at the CA.
//! - [`adopt`]: takes over distributions of another broker.
//! - [`audit`]: what operators did; [`actor`]: who acts.
//! - [`doctor`]: all checks at once.
//! - [`drift`]: whether CloudFront's configuration matches the database.
//! - [`probe`]: whether an instance's domains are served, seen from outside.
//! - [`live_check`]: the assumptions about AWS, tested with a real account.
//! - [`log_level`]: the log level of every service.

pub mod accounts;
pub mod actor;
pub mod adopt;
pub mod audit;
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
pub mod link;
pub mod live_check;
pub mod log_level;
pub mod notices;
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
