//! The Open Service Broker API: one file per endpoint, and the parts of its requests and responses.

mod accepted;
mod answers;
pub(crate) mod auth;
pub(crate) mod bindings;
mod body;
pub(crate) mod broker;
pub(crate) mod catalog;
mod choice;
pub(crate) mod deprovision;
pub(crate) mod error;
pub(crate) mod fetch;
mod in_time;
mod instance_id;
pub(crate) mod last_operation;
mod lasting;
mod maintenance_info;
mod notify;
pub(crate) mod openapi;
mod originating_identity;
mod profile;
pub(crate) mod provision;
mod publishing;
mod refused;
mod request_field;
mod tenant;
pub(crate) mod unsupported;
pub(crate) mod update;
pub(crate) mod version;

pub use broker::Broker;
