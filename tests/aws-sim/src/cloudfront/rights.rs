//! The rights that each operation requires.
//!
//! Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon CloudFront": lists and
//! `CreateFunction` have no resource type, so they are checked against `*`; publicly quoted denials of creations name
//! `distribution/*`.

use super::functions::Function;
use super::router::Operation;
use super::{errors, schema, tags};
use crate::access::AccessKey;
use crate::error::{Answer, ApiError};
use crate::ids::ACCOUNT;
use crate::policy::{Asked, Tags};
use crate::state::World;
use crate::xml::Element;

/// The rights that an operation requires of its caller.
pub fn needed(operation: &Operation, world: &World, body: &[u8]) -> Vec<Asked> {
    let action = match operation {
        Operation::CreateDistributionWithTags => "cloudfront:CreateDistribution".to_owned(),
        other => format!("cloudfront:{}", other.name()),
    };
    match operation {
        Operation::CreateDistribution => vec![Asked::on(action, any())],
        // Developer Guide, "Creating with tags".
        Operation::CreateDistributionWithTags => {
            let tagging = Asked::on("cloudfront:TagResource", any()).bringing(brought(body));
            vec![Asked::on(action, any()), tagging]
        }
        Operation::ListDistributions { .. } | Operation::ListFunctions { .. } | Operation::CreateFunction => {
            vec![Asked::on(action, "*")]
        }
        Operation::GetDistribution(id)
        | Operation::GetDistributionConfig(id)
        | Operation::UpdateDistribution(id)
        | Operation::DeleteDistribution(id)
        | Operation::AssociateAlias { distribution: id, .. } => vec![on(action, id, world)],
        Operation::ListConflictingAliases { distribution, .. } => {
            vec![on(action, distribution.as_deref().unwrap_or_default(), world)]
        }
        Operation::DescribeFunction(name, _)
        | Operation::GetFunction(name, _)
        | Operation::UpdateFunction(name)
        | Operation::PublishFunction(name)
        | Operation::DeleteFunction(name) => vec![Asked::on(action, Function::arn_of(name))],
        Operation::TagResource(resource) => {
            vec![on_resource(action, resource.as_deref(), world).bringing(read_tags(body))]
        }
        Operation::UntagResource(resource) | Operation::ListTagsForResource(resource) => {
            vec![on_resource(action, resource.as_deref(), world)]
        }
    }
}

/// The distribution that is not yet there.
fn any() -> String {
    arn("*")
}

fn arn(id: &str) -> String {
    format!("arn:aws:cloudfront::{ACCOUNT}:distribution/{id}")
}

/// An action on a distribution; a nonexistent one has no tags.
fn on(action: String, id: &str, world: &World) -> Asked {
    let asked = Asked::on(action, arn(id));
    match world.distributions.get(id) {
        Some(distribution) => asked.tagged(&distribution.tags),
        None => asked,
    }
}

fn on_resource(action: String, resource: Option<&str>, world: &World) -> Asked {
    match tags::distribution_of(resource) {
        Ok(id) => on(action, id, world),
        Err(_) => Asked::on(action, resource.unwrap_or("*")),
    }
}

/// The tags in a creation; none when it can't be parsed, which is refused later.
fn brought(body: &[u8]) -> Tags {
    let document = schema::document(body, "DistributionConfigWithTags");
    let tags = document
        .ok()
        .and_then(|document| tags::read(document.child("Tags")?).ok());
    tags.unwrap_or_default()
}

fn read_tags(body: &[u8]) -> Tags {
    let document = schema::document(body, "Tags");
    document.and_then(|tags| tags::read(&tags)).unwrap_or_default()
}

/// Resources of other services that a configuration names, and that CloudFront reads with the caller's rights at each
/// write.
///
/// Sources: aws-sdk-java issue 2901 (web ACL); Developer Guide, "Set up IAM permissions and roles for Lambda@Edge". The
/// message for Lambda@Edge is not confirmed.
pub fn elsewhere(key: &AccessKey, config: &Element) -> Answer<()> {
    if let Some(acl) = config.given("WebACLId")
        && !key.may(&reading(acl))
    {
        return Err(unreadable_web_acl());
    }
    let default = config.at("DefaultCacheBehavior");
    for behaviour in default.into_iter().chain(config.items("CacheBehaviors")) {
        for association in behaviour.items("LambdaFunctionAssociations") {
            let function = association.text_at("LambdaFunctionARN").unwrap_or_default();
            for action in ["lambda:GetFunction", "lambda:EnableReplication*"] {
                if !key.may(&Asked::on(action, function)) {
                    return Err(errors::refuse(
                        "InvalidLambdaFunctionAssociation",
                        format!(
                            "Lambda@Edge cannot retrieve the specified Lambda function. Update the IAM policy to add permission: \
                             {action} for resource: {function}"
                        ),
                    ));
                }
            }
        }
    }
    Ok(())
}

/// WAF web ACLs are named by their ARN, WAF Classic ones by their id.
fn reading(acl: &str) -> Asked {
    if acl.starts_with("arn:") {
        return Asked::on("wafv2:GetWebACL", acl);
    }
    Asked::on("waf:GetWebACL", format!("arn:aws:waf::{ACCOUNT}:webacl/{acl}"))
}

fn unreadable_web_acl() -> ApiError {
    errors::refuse(
        "InvalidWebACLId",
        "Unable to verify read permissions on Web ACL. Please retry the request.",
    )
}
