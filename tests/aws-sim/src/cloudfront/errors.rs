//! CloudFront's error codes with the statuses of the service model (cloudfront 2020-05-31).

use crate::error::ApiError;

/// A refusal with the status that the service model defines for its code.
pub fn refuse(code: &str, message: impl Into<String>) -> ApiError {
    let status = match code {
        "AccessDenied" => 403,
        "CNAMEAlreadyExists"
        | "DistributionAlreadyExists"
        | "DistributionNotDisabled"
        | "FunctionAlreadyExists"
        | "FunctionInUse" => 409,
        "PreconditionFailed" => 412,
        "FunctionSizeLimitExceeded" => 413,
        _ if code.starts_with("NoSuch") => 404,
        _ => 400,
    };
    ApiError::new(code, status, message)
}

/// `InvalidArgument`, the code of every error without its own.
pub fn invalid(message: impl Into<String>) -> ApiError {
    refuse("InvalidArgument", message)
}
