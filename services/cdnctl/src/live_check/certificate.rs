//! A certificate is ordered, and uploaded immediately, so that its key is never written to disk.

use aws::{DEPLOYMENT_TAG, Failure, INSTANCE_TAG, Peer};
use aws_sdk_iam::error::BuildError;
use aws_sdk_iam::types::Tag;

use super::beliefs::{P256, Verdict};
use super::check::{Check, passes, refusal};
use super::ended::Ended;
use super::order::{self, Issued};
use super::state::{KeyKind, Kind};

/// The services' own path, which their policies name.
const PATH: &str = "/cloudfront/cdn-broker/";
/// The instance id in its tags.
pub(super) const INSTANCE: &str = "live-check";

/// Orders a certificate and uploads it, unless an interrupted run has done so.
pub(super) async fn order_and_upload(check: &mut Check, kind: KeyKind) -> Result<String, Ended> {
    let name = check.state.certificate(kind);
    let is_new = check.state.thing(&name).is_none();
    if !is_new && let Some(id) = uploaded(check, &name).await? {
        check.made(&name, &id)?;
        return Ok(format!("{name} was uploaded before"));
    }
    let issued = order::certificate(check, kind).await?;
    check.intend(Kind::Certificate, &name)?;
    let answer = upload(check, &name, issued).await;
    // A refused call created nothing; after a call without a response, the certificate may exist.
    if let Err(failure) = &answer
        && is_new
        && !passes(failure)
    {
        check.gone(&name)?;
    }
    match answer {
        Ok(id) => {
            check.made(&name, &id)?;
            Ok(format!("issued, and uploaded as {name}"))
        }
        Err(failure) if kind == KeyKind::P256 => {
            let said = format!("UploadServerCertificate: {}", refusal(failure)?);
            check.see(P256, Verdict::Refuted, &said);
            Ok(said)
        }
        Err(failure) => Err(failure.into()),
    }
}

async fn uploaded(check: &Check, name: &str) -> Result<Option<String>, Failure> {
    let call = check.iam.get_server_certificate().server_certificate_name(name);
    match call.send().await {
        Ok(answer) => {
            let metadata = answer
                .server_certificate
                .and_then(|there| there.server_certificate_metadata);
            Ok(metadata.map(|metadata| metadata.server_certificate_id))
        }
        Err(error) => match Failure::new(Peer::Iam, "GetServerCertificate", &error) {
            failure if failure.code() == "NoSuchEntity" => Ok(None),
            failure => Err(failure),
        },
    }
}

async fn upload(check: &Check, name: &str, issued: Issued) -> Result<String, Failure> {
    const ACTION: &str = "UploadServerCertificate";
    let tags = tags(&check.state.run).map_err(|_| Failure::incomplete(Peer::Iam, ACTION, "input"))?;
    let call = check
        .iam
        .upload_server_certificate()
        .server_certificate_name(name)
        .path(PATH);
    let call = call
        .certificate_body(issued.leaf)
        .set_certificate_chain(issued.chain)
        .private_key(issued.key)
        .set_tags(Some(tags));
    let answer = call
        .send()
        .await
        .map_err(|error| Failure::new(Peer::Iam, ACTION, &error))?;
    let metadata = answer.server_certificate_metadata;
    metadata
        .map(|metadata| metadata.server_certificate_id)
        .ok_or_else(|| Failure::incomplete(Peer::Iam, ACTION, "metadata"))
}

fn tags(run: &str) -> Result<Vec<Tag>, BuildError> {
    let tag = |key, value| Tag::builder().key(key).value(value).build();
    Ok(vec![tag(INSTANCE_TAG, INSTANCE)?, tag(DEPLOYMENT_TAG, run)?])
}

/// Deletes it, if it exists.
pub(super) async fn delete(check: &Check, name: &str) -> Result<(), Failure> {
    let call = check.iam.delete_server_certificate().server_certificate_name(name);
    match call.send().await {
        Ok(_) => Ok(()),
        Err(error) => match Failure::new(Peer::Iam, "DeleteServerCertificate", &error) {
            failure if failure.code() == "NoSuchEntity" => Ok(()),
            failure => Err(failure),
        },
    }
}
