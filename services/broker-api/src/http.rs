//! The HTTP server: connections and their limits, the client of a request, and the access log. Independent of the Open
//! Service Broker API.

pub(crate) mod access_log;
pub(crate) mod hops;
mod limits;
mod open_files;
mod proxy_protocol;
mod seated;
pub(crate) mod seats;
mod serve;
pub(crate) mod streaming;
pub(crate) mod to_the_end;
mod write_timeout;

pub use limits::Limits;
pub use serve::serve;
