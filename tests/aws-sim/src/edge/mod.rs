//! The edge: the servers that viewers connect to. It serves the deployed configuration, not the latest one.

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
