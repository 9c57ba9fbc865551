//! CloudFront's error codes with the statuses of the service model (cloudfront 2020-05-31), and their XML.

use crate::error::ApiError;
use crate::xml::Element;

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

/// The XML of a refusal: `<ErrorResponse xmlns=…><Error>…</Error><RequestId/></ErrorResponse>`.
pub fn document(error: &ApiError, request_id: &str) -> String {
    let detail = vec![
        Element::leaf("Type", error.kind()),
        Element::leaf("Code", &error.code),
        Element::leaf("Message", &error.message),
    ];
    let children = vec![Element::node("Error", detail), Element::leaf("RequestId", request_id)];
    Element::node("ErrorResponse", children).document(super::NAMESPACE)
}
