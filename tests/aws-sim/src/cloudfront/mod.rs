//! CloudFront's API, version 2020-05-31 (REST-XML).

pub mod aliases;
pub mod completion;
pub mod distribution;
pub mod errors;
pub mod functions;
pub mod logging;
pub mod newer;
pub mod operations;
pub mod policies;
pub mod rights;
pub mod router;
pub mod rules;
pub mod schema;
pub mod tags;
pub mod viewer_certificate;
pub mod views;

/// Namespace of every document.
pub const NAMESPACE: &str = "http://cloudfront.amazonaws.com/doc/2020-05-31/";
