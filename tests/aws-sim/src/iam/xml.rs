//! IAM's error codes with the statuses of the service model (iam 2010-05-08), and its XML.

use crate::error::ApiError;
use crate::xml::Element;

/// Namespace of every document.
pub const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// A refusal with the status that the service model defines for its code.
pub fn refuse(code: &str, message: impl Into<String>) -> ApiError {
    let status = match code {
        "NoSuchEntity" => 404,
        "EntityAlreadyExists" | "LimitExceeded" | "DeleteConflict" | "ConcurrentModification" => 409,
        _ => 400,
    };
    ApiError::new(code, status, message)
}

/// `<{Op}Response><{Op}Result>…</{Op}Result><ResponseMetadata>…`; without a result for the operations that return none.
pub fn response(action: &str, result: Option<Vec<Element>>, request_id: &str) -> String {
    let mut children = Vec::new();
    if let Some(result) = result {
        children.push(Element::node(&format!("{action}Result"), result));
    }
    children.push(Element::node(
        "ResponseMetadata",
        vec![Element::leaf("RequestId", request_id)],
    ));
    Element::node(&format!("{action}Response"), children).document(NAMESPACE)
}
