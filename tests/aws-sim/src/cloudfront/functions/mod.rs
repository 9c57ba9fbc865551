//! CloudFront Functions: code with a stage that is edited (`DEVELOPMENT`) and one that is executed (`LIVE`).
//!
//! Sources: service model (operations, errors with status, `FunctionName`, `FunctionRuntime`); Developer Guide,
//! "Customize at the edge with CloudFront Functions" and "Quotas on CloudFront Functions".

pub mod associations;
pub mod operations;
pub mod views;

use time::OffsetDateTime;

use crate::ids;

/// A function of this account.
#[derive(Debug, Clone)]
pub struct Function {
    /// Unique in the account.
    pub name: String,
    /// When it was created.
    pub created: OffsetDateTime,
    /// The stage that `UpdateFunction` changes. Every function has it.
    pub development: Version,
    /// The stage that is executed, once it was published.
    pub live: Option<Version>,
}

/// A stage of a function.
#[derive(Debug, Clone)]
pub struct Version {
    /// JavaScript.
    pub code: String,
    /// A description for people.
    pub comment: String,
    /// `cloudfront-js-1.0` or `cloudfront-js-2.0`.
    pub runtime: String,
    /// The ETag of the stage.
    pub etag: String,
    /// When it was last changed.
    pub modified: OffsetDateTime,
}

impl Function {
    /// `arn:aws:cloudfront::…`, the same for both stages.
    pub fn arn(&self) -> String {
        Self::arn_of(&self.name)
    }

    /// The ARN of this account's function of this name.
    pub fn arn_of(name: &str) -> String {
        format!("{}{name}", prefix())
    }

    /// The name in the ARN of one of this account's functions.
    pub fn name_in(arn: &str) -> Option<&str> {
        arn.strip_prefix(&prefix())
    }
}

fn prefix() -> String {
    format!("arn:aws:cloudfront::{}:function/", ids::ACCOUNT)
}
