//! The edge: what viewers reach. It serves what is deployed, not what is configured.

pub mod cache;
pub mod certificate;
pub mod config;
pub mod forward;
pub mod function;
pub mod http;
pub mod origins;
pub mod pages;
pub mod pass;
pub mod route;
pub mod tls;
