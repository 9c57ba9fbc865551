//! The rights that each operation requires.
//!
//! Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Route 53"; how names,
//! types and actions are written in conditions: Developer Guide, "Using IAM policy conditions for fine-grained access
//! control".

use super::batch;
use super::router::Operation;
use crate::policy::Asked;

/// The right that an operation requires of its caller. A body that can't be read is refused later.
pub fn needed(operation: &Operation, body: &[u8]) -> Asked {
    let action = format!("route53:{}", operation.name());
    match operation {
        Operation::ListResourceRecordSets { zone, .. } => Asked::on(action, arn(zone)),
        Operation::GetChange(id) => Asked::on(action, format!("arn:aws:route53:::change/{id}")),
        Operation::ChangeResourceRecordSets(zone) => {
            let changes = batch::read(body).unwrap_or_default();
            let all = |of: fn(&batch::Change) -> String| changes.iter().map(of).collect();
            Asked::on(action, arn(zone))
                .about("route53:ChangeResourceRecordSetsNormalizedRecordNames", all(name))
                .about(
                    "route53:ChangeResourceRecordSetsRecordTypes",
                    all(|it| it.set.kind.clone()),
                )
                .about(
                    "route53:ChangeResourceRecordSetsActions",
                    all(|it| it.action.name().to_owned()),
                )
        }
    }
}

/// In lower case, without the trailing dot.
fn name(change: &batch::Change) -> String {
    change.set.name.trim_end_matches('.').to_owned()
}

fn arn(zone: &str) -> String {
    format!("arn:aws:route53:::hostedzone/{zone}")
}
