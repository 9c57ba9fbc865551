//! TLS to PostgreSQL and RabbitMQ: what is trusted ([`Roots`]), what is checked ([`Check`]), and what went wrong in one
//! clear line ([`Problem`]). rustls, with aws-lc-rs as its only provider.

mod check;
mod problem;
mod roots;

pub use check::{Check, client_config, client_config_for};
pub use problem::Problem;
pub use roots::{Roots, TrustError};
