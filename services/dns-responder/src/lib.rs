//! Answers for the broker's own DNS zone, to which tenants delegate their dns-01 challenges, from memory. What it serves is
//! what PostgreSQL has: the targets and the values that are published for running orders (`store::ZoneFeed`). It holds no
//! secret but the one of DNS cookies, and changes nothing anywhere.
//!
//! - [`answer`]: what a question is answered with (pure);
//! - [`request`], [`reply`]: bytes to a question, and an answer to bytes (pure);
//! - [`cookie`], [`rate_limit`]: against forged source addresses;
//! - [`udp`], [`tcp`]: the transports;
//! - [`feed`]: what is served, from PostgreSQL.

pub mod answer;
pub mod board;
pub mod cookie;
pub mod doctor;
pub mod feed;
pub mod health;
pub mod names;
pub mod rate_limit;
pub mod reply;
pub mod request;
pub mod responder;
pub mod settings;
pub mod tally;
pub mod tcp;
pub mod udp;
pub mod zone;
