//! Looks at a domain as an outside viewer would: DNS, TLS, certificate, whether the edge keeps what it serves, and which headers reach
//! the app.
//!
//! The looks are in [`Names`] (DNS), `handshake` (TLS) and `fetch` (HTTP); pure functions over [`pipeline::outside::Facts`] and the
//! database's expectations ([`Expected`]) judge what they saw. See README.md.

pub mod address;
mod cache;
mod echo;
mod expected;
mod fetch;
mod forwarding;
mod handshake;
mod names;
mod outside;
mod problem;
mod served;
mod shown;

pub use expected::Expected;
pub use handshake::Trust;
pub use names::Names;
pub use outside::{Connects, Outside, Request};
pub use problem::first_problem;
