//! Refusals of AWS that depend on state that the simulator doesn't model (the account's verification, its pricing
//! plans, other services), with AWS' own messages, which can be planted as faults by their name.

use serde_json::{Value, json};

/// A fault that names one of these by `like` becomes that one, with its other fields applied; any other fault is
/// unchanged.
///
/// # Errors
/// When there is none with that name.
pub fn completed(mut told: Value) -> Result<Value, String> {
    let Some(like) = told.as_object_mut().and_then(|told| told.remove("like")) else {
        return Ok(told);
    };
    let name = like.as_str().unwrap_or_default();
    let mut whole = saying(name).ok_or_else(|| format!("no saying {like}"))?;
    if let (Some(whole), Some(told)) = (whole.as_object_mut(), told.as_object()) {
        whole.extend(told.clone());
    }
    Ok(whole)
}

fn saying(name: &str) -> Option<Value> {
    let (operation, code, status, message) = match name {
        // aws-cdk-examples issue 279, terraform-provider-aws issue 36663: every new account, until AWS Support lifts
        // it.
        "account-not-verified" => (
            "CreateDistribution*",
            "AccessDenied",
            403,
            "Your account must be verified before you can add new CloudFront resources. To verify your account, please contact AWS \
             Support (https://console.aws.amazon.com/support/home#/) and include this error message.",
        ),
        // Developer Guide, "Delete a distribution"; aws-nuke issue 1024.
        "pricing-plan" => (
            "DeleteDistribution",
            "PreconditionFailed",
            412,
            "You can't delete this distribution while it's subscribed to a pricing plan. After you cancel the pricing plan, you can \
             delete the distribution at the end of the monthly billing cycle.",
        ),
        // aws-sdk-java issue 2901.
        "web-acl-unreadable" => (
            "UpdateDistribution",
            "InvalidWebACLId",
            400,
            "Unable to verify read permissions on Web ACL. Please retry the request.",
        ),
        // terraform-provider-aws issue 679, certbot-s3front issue 34.
        "certificate-change-in-progress" => (
            "UpdateDistribution",
            "IllegalUpdate",
            400,
            "Only one viewer certificate change may be in progress at a time.",
        ),
        _ => return None,
    };
    Some(json!({"operation": operation, "code": code, "status": status, "message": message}))
}
