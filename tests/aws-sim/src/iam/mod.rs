//! IAM's server certificates, version 2010-05-08 (query API).

pub mod certificate;
pub mod operations;
pub mod pem;
pub mod query;
pub mod rights;
pub mod tags;
pub mod xml;
