//! The Open Service Broker API and the HTTP-01 responder.
//!
//! A request is checked, written down in one transaction, and answered; the work is done by the other services.
//! `last_operation` is one indexed read. See README.md.

mod accepted;
mod access_log;
mod app;
mod auth;
mod bindings;
mod body;
mod broker;
mod catalog;
mod challenges;
mod deprovision;
pub mod doctor;
mod error;
mod fetch;
mod figures;
mod hops;
mod in_time;
mod instance_id;
mod last_operation;
mod lasting;
mod limits;
mod open_files;
mod openapi;
mod operator_file;
mod originating_identity;
mod platforms;
mod profile;
mod provision;
mod refused;
mod proxy_protocol;
mod request_field;
mod responder;
mod ringing;
mod seated;
mod seats;
mod serve;
pub mod settings;
mod tenant;
mod unproved;
mod unsupported;
mod update;
mod version;
mod write_timeout;

pub use app::{app, health};
pub use broker::Broker;
pub use figures::read_figures;
pub use limits::Limits;
pub use serve::serve;
