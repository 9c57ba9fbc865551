//! Route 53's hosted zones, version 2013-04-01 (REST-XML): the records of zones, and changes that take time to reach
//! every name server.
//!
//! Sources: the service model (route53 2013-04-01); API reference, "ChangeResourceRecordSets" and
//! "ListResourceRecordSets"; Developer Guide, "Quotas". Messages are those that public bug reports quote; where there is
//! none, the README says so.

pub mod batch;
pub mod calls;
pub mod errors;
pub mod operations;
pub mod record_set;
pub mod rights;
pub mod router;
pub mod rules;
pub mod txt;
pub mod zone;

/// Namespace of every document.
pub const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";
