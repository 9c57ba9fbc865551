//! The Open Service Broker API and the HTTP-01 responder.
//!
//! A request is checked, recorded in one transaction, and answered; the other services do the work. `last_operation` is
//! one indexed read. See README.md.

mod app;
mod catalog;
pub mod doctor;
mod durations;
mod figures;
mod http;
mod notify;
mod operator;
mod osbapi;
mod page;
mod platforms;
mod responder;
pub mod settings;
mod unproved;

pub use app::{app, health};
pub use durations::measure_durations;
pub use figures::read_figures;
pub use http::{Limits, serve};
pub use notify::reseal_addresses;
pub use operator::{operator_app, operator_limits};
pub use osbapi::Broker;
