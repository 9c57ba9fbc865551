//! AWS as this broker uses it: the setup of clients, the meaning of AWS' responses for a step, and CloudFront's reads
//! and writes. Nothing here uses the database; `aws-effects` fences writes with it. Nothing is retried here: the
//! pipeline does the waiting.

mod access;
mod as_written;
mod calls;
mod certificate;
mod check;
mod client;
mod cloudfront;
mod codes;
mod failure;
mod iam;
mod identity;
mod log_bucket;
mod merge;
mod nothing;
mod race;
mod reconcile;
mod triage;
mod viewer;
mod watch;
mod wire;
mod words;

pub use access::AccessTrouble;
pub use calls::Calls;
pub use certificate::CloudFrontCertificate;
pub use check::{Probe, Tried, check_aws};
pub use client::{AFTER_HELP, CALL_LIMIT, ROUTE_53_AFTER_HELP, UnsupportedRegion, sdk_config};
pub use cloudfront::{CloudFront, ReadConfig};
pub use failure::{Failure, Peer, Reason};
pub use iam::{iam, iam_watched};
pub use identity::{
    CERTIFICATE_PREFIX, COMMENT_PREFIX, DEPLOYMENT_TAG, FUNCTION_PREFIX, INSTANCE_TAG, distribution_tags, tag_value,
};
pub use nothing::{INPUT_REFUSED, NO_DISTRIBUTION, impossible_config, try_delete, try_get, try_get_config, try_update};
pub use race::told_apart;
pub use reconcile::ReconcileArgs;
pub use triage::triage;
pub use viewer::{Viewer, ViewerArgs, ViewerSettings, broken, gone};
pub use watch::{Answered, Watcher};
pub use words::shown;
