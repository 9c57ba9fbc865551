//! A strict CloudFront, IAM and Route 53 simulator with a real TLS edge.
//!
//! For the AWS SDKs it behaves like CloudFront and Route 53 (REST-XML) and IAM (query API): it refuses what they refuse
//! with the same codes, takes time to deploy as CloudFront does, and then serves viewers: TLS by SNI with the uploaded
//! certificate, Host to distribution to behaviour to origin. See the README for what it does not model.

pub mod access;
pub mod admin;
pub mod api;
pub mod cloudfront;
pub mod counters;
pub mod edge;
pub mod error;
pub mod faults;
pub mod history;
pub mod iam;
pub mod ids;
pub mod journal;
pub mod listeners;
pub mod names;
pub mod percent;
pub mod policy;
pub mod route53;
pub mod sayings;
pub mod settings;
pub mod sigv4;
pub mod state;
pub mod trust;
pub mod xml;

pub use listeners::{Running, StartError, start};
pub use settings::Settings;
