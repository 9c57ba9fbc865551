//! The calls: one attempt each.

use aws::Failure;
use aws_sdk_route53::config::http::HttpResponse;
use aws_sdk_route53::error::SdkError;
use aws_sdk_route53::operation::change_resource_record_sets::ChangeResourceRecordSetsError;
use aws_sdk_route53::types::{Change, ChangeBatch, ChangeStatus, ResourceRecordSet, RrType};
use pipeline::reason::{DnsWriteProblem, Peer};

use super::{Writer, explain, failed};

/// Why a batch was not applied.
#[derive(Debug)]
pub(super) enum NotChanged {
    /// The zone has other records than the batch assumes; these are Route 53's words.
    Differs(String),
    Problem(DnsWriteProblem),
}

/// Applies a batch: the change's id.
pub(super) async fn change(writer: &Writer, changes: Vec<Change>) -> Result<String, NotChanged> {
    const ACTION: &str = "ChangeResourceRecordSets";
    let batch = ChangeBatch::builder().set_changes(Some(changes)).build();
    let batch = batch.map_err(|error| NotChanged::Problem(failed(error.to_string())))?;
    writer.pace.turn().await;
    let call = writer.client.change_resource_record_sets();
    let answer = call.hosted_zone_id(&writer.zone_id).change_batch(batch).send().await;
    let made = answer.map_err(|error| match invalid_batch(&error) {
        Some(said) if explain::is_about_what_is_there(&said) => NotChanged::Differs(said),
        Some(said) => NotChanged::Problem(explain::batch(writer, &said)),
        None => NotChanged::Problem(explain::problem(writer, &Failure::new(Peer::Route53, ACTION, &error))),
    })?;
    let id = made.change_info.map(|info| info.id);
    id.ok_or_else(|| NotChanged::Problem(failed("its answer has no change")))
}

/// What is wrong with the batch, if that is why it was refused. Route 53 writes this error like all others, or as a
/// document of its own, which the SDK doesn't read (aws-sdk-go-v2, service/route53/internal/customizations).
fn invalid_batch(error: &SdkError<ChangeResourceRecordSetsError, HttpResponse>) -> Option<String> {
    if let Some(ChangeResourceRecordSetsError::InvalidChangeBatch(batch)) = error.as_service_error() {
        let messages = batch.messages().join(", ");
        return Some(format!("{}{messages}", batch.message.as_deref().unwrap_or_default()));
    }
    let body = std::str::from_utf8(error.raw_response()?.body().bytes()?).ok()?;
    body.contains("<InvalidChangeBatch").then(|| messages(body))
}

fn messages(body: &str) -> String {
    let parts = body.split("<Message>").skip(1);
    let texts = parts.filter_map(|part| part.split_once("</Message>").map(|(text, _)| text));
    texts.collect::<Vec<_>>().join(", ")
}

/// How far a change has come; none if Route 53 doesn't know it.
pub(super) async fn status(writer: &Writer, id: &str) -> Result<Option<ChangeStatus>, DnsWriteProblem> {
    const ACTION: &str = "GetChange";
    if !writer.pace.turn_soon().await {
        return Ok(Some(ChangeStatus::Pending));
    }
    let answer = writer.client.get_change().id(id).send().await;
    match answer.map_err(|error| Failure::new(Peer::Route53, ACTION, &error)) {
        Ok(found) => Ok(found.change_info.map(|info| info.status)),
        Err(failure) if failure.code() == "NoSuchChange" => Ok(None),
        Err(failure) => Err(explain::problem(writer, &failure)),
    }
}

/// A place in the list of record sets.
#[derive(Debug, Clone)]
pub(super) struct From {
    pub(super) name: String,
    pub(super) kind: Option<RrType>,
    pub(super) identifier: Option<String>,
}

/// The record sets from a place on, in Route 53's order, and where the next page begins.
pub(super) async fn page(
    writer: &Writer,
    from: From,
) -> Result<(Vec<ResourceRecordSet>, Option<From>), DnsWriteProblem> {
    const ACTION: &str = "ListResourceRecordSets";
    writer.pace.turn().await;
    let call = writer.client.list_resource_record_sets();
    let call = call
        .hosted_zone_id(&writer.zone_id)
        .start_record_name(from.name)
        .set_start_record_type(from.kind)
        .set_start_record_identifier(from.identifier);
    let found = call.send().await;
    let found = found.map_err(|error| explain::problem(writer, &Failure::new(Peer::Route53, ACTION, &error)))?;
    let next = found.next_record_name.filter(|_| found.is_truncated).map(|name| From {
        name,
        kind: found.next_record_type,
        identifier: found.next_record_identifier,
    });
    Ok((found.resource_record_sets, next))
}

#[cfg(test)]
mod tests {
    use super::messages;

    #[test]
    fn the_other_form_of_an_invalid_batch_is_read() {
        let body = "<?xml version=\"1.0\"?><InvalidChangeBatch xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">\
                    <Messages><Message>one</Message><Message>other</Message></Messages></InvalidChangeBatch>";
        assert_eq!(messages(body), "one, other");
    }
}
