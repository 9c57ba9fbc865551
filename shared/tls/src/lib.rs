//! TLS to PostgreSQL and RabbitMQ: the trusted CAs ([`Roots`]), the verification level ([`Check`]), and errors in one
//! clear line ([`Problem`]). rustls, with aws-lc-rs as its only provider.

mod check;
mod problem;
mod roots;

pub use check::{Check, client_config, client_config_for};
pub use problem::Problem;
pub use roots::{Roots, TrustError};
