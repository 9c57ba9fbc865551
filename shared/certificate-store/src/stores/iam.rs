//! IAM's server certificates (docs/aws-rules.md, "IAM server certificates").

mod probes;

use async_trait::async_trait;
use aws::{CERTIFICATE_PREFIX, CloudFrontCertificate, DEPLOYMENT_TAG, Failure, INSTANCE_TAG, Peer, Probe, tag_value};
use aws_config::SdkConfig;
use aws_sdk_iam::Client;
use aws_sdk_iam::error::BuildError;
use aws_sdk_iam::types::{ServerCertificateMetadata, SummaryKeyType, Tag};
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use crate::reference::Reference;
use crate::store::{CertificateStore, Found, Listed, NewCertificate, NotPut, Quota, Removed, Usage};
use crate::stores::Kind;

/// The longest `CertificateBody`, in characters (service model).
const LONGEST_BODY: usize = 16_384;
/// The path from which CloudFront reads (CloudFront developer guide, "IAM certificate store").
const LOOKED_INTO: &str = "/cloudfront/";

/// Its settings.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "IAM")]
#[group(skip)]
pub(crate) struct Args {
    /// Path of certificates in IAM; CloudFront wants it to begin with /cloudfront/.
    #[arg(long, env, default_value = "/cloudfront/cdn-broker/",
        value_parser = path)]
    iam_path: String,
}

/// IAM.
pub(crate) struct Store {
    client: Client,
    path: String,
}

impl Store {
    pub(crate) fn new(args: Args, sdk: &SdkConfig) -> Self {
        Self {
            client: aws::iam(sdk),
            path: args.iam_path,
        }
    }
}

#[async_trait]
impl CertificateStore for Store {
    fn intended(&self, certificate: Uuid) -> Reference {
        reference(format!("{CERTIFICATE_PREFIX}{certificate}"))
    }

    async fn put(&self, new: &NewCertificate<'_>) -> Result<CloudFrontCertificate, NotPut> {
        const ACTION: &str = "UploadServerCertificate";
        if new.leaf.len() > LONGEST_BODY {
            return Err(NotPut::TooLong(LONGEST_BODY));
        }
        let incomplete = |what| NotPut::Failed(Failure::incomplete(Peer::Iam, ACTION, what));
        let name = &new.reference.name;
        let answer = self
            .client
            .upload_server_certificate()
            .server_certificate_name(name)
            .path(&self.path)
            .certificate_body(new.leaf)
            .set_certificate_chain(new.chain.map(str::to_owned))
            .private_key(new.key.expose_secret())
            .set_tags(Some(tags(new).map_err(|_| incomplete("input"))?))
            .send()
            .await
            .map_err(|error| not_put(Failure::new(Peer::Iam, ACTION, &error)))?;
        // If it is missing, the next attempt is told that the certificate exists, and adopts it.
        let metadata = answer
            .server_certificate_metadata
            .ok_or_else(|| incomplete("metadata"))?;
        let id = metadata.server_certificate_id;
        tracing::info!(iam_name = name, iam_id = id, "uploaded the certificate");
        Ok(CloudFrontCertificate::Iam(id))
    }

    async fn find(&self, reference: &Reference) -> Result<Option<Found>, Failure> {
        const ACTION: &str = "GetServerCertificate";
        let call = self.client.get_server_certificate();
        let answer = match call.server_certificate_name(&reference.name).send().await {
            Ok(answer) => answer,
            Err(error) => return absent(Failure::new(Peer::Iam, ACTION, &error)),
        };
        let incomplete = |what| Failure::incomplete(Peer::Iam, ACTION, what);
        let there = answer.server_certificate.ok_or_else(|| incomplete("certificate"))?;
        let metadata = there
            .server_certificate_metadata
            .ok_or_else(|| incomplete("metadata"))?;
        let misplaced = !metadata.path.starts_with(LOOKED_INTO);
        Ok(Some(Found {
            in_cloudfront: CloudFrontCertificate::Iam(metadata.server_certificate_id),
            leaf: there.certificate_body,
            misplaced: misplaced.then(|| format!("it was moved to {}, where CloudFront doesn't look", metadata.path)),
        }))
    }

    async fn remove(&self, reference: &Reference) -> Result<Removed, Failure> {
        let name = &reference.name;
        let call = self.client.delete_server_certificate().server_certificate_name(name);
        let Err(error) = call.send().await else {
            tracing::info!(iam_name = name, "deleted the certificate");
            return Ok(Removed::Gone);
        };
        let failure = Failure::new(Peer::Iam, "DeleteServerCertificate", &error);
        match failure.code() {
            "NoSuchEntity" => Ok(Removed::Gone),
            // Even for a while after its distribution was deleted (docs/aws-rules.md, rule 9).
            "DeleteConflict" => Ok(Removed::InUse),
            _ => Err(failure),
        }
    }

    async fn list(&self) -> Result<Vec<Listed>, Failure> {
        let call = self.client.list_server_certificates();
        let pages = call.path_prefix(&self.path).into_paginator().items().send();
        let all: Vec<_> = pages
            .collect::<Result<_, _>>()
            .await
            .map_err(|error| Failure::new(Peer::Iam, "ListServerCertificates", &error))?;
        Ok(all.into_iter().filter_map(listed).collect())
    }

    async fn deployment(&self, reference: &Reference) -> Result<Option<String>, Failure> {
        let call = self.client.list_server_certificate_tags();
        let answer = call.server_certificate_name(&reference.name).send().await;
        let answer = answer.map_err(|error| Failure::new(Peer::Iam, "ListServerCertificateTags", &error))?;
        let mut tags = answer.tags.into_iter();
        Ok(tags.find(|tag| tag.key == DEPLOYMENT_TAG).map(|tag| tag.value))
    }

    fn quota(&self) -> Quota {
        Quota {
            of: "IAM server certificates",
            name: "Server certificates per account",
        }
    }

    async fn usage(&self) -> Result<Usage, Failure> {
        const ACTION: &str = "GetAccountSummary";
        let answer = self.client.get_account_summary().send().await;
        let answer = answer.map_err(|error| Failure::new(Peer::Iam, ACTION, &error))?;
        let summary = answer.summary_map.unwrap_or_default();
        let count = |key| summary.get(&key).and_then(|count| u32::try_from(*count).ok());
        match (
            count(SummaryKeyType::ServerCertificates),
            count(SummaryKeyType::ServerCertificatesQuota),
        ) {
            (Some(held), Some(quota)) => Ok(Usage {
                held,
                quota,
                of: "server certificates",
            }),
            _ => Err(Failure::incomplete(Peer::Iam, ACTION, "count of server certificates")),
        }
    }

    fn probes(&self) -> Vec<Probe> {
        probes::all(&self.client, &self.path)
    }
}

fn reference(name: String) -> Reference {
    Reference {
        store: Kind::Iam,
        name,
        in_cloudfront: None,
    }
}

/// A certificate whose name has our form.
fn listed(metadata: ServerCertificateMetadata) -> Option<Listed> {
    let name = metadata.server_certificate_name;
    let certificate = name.strip_prefix(CERTIFICATE_PREFIX)?.parse().ok()?;
    let in_cloudfront = CloudFrontCertificate::Iam(metadata.server_certificate_id);
    Some(Listed {
        certificate,
        reference: reference(name).put(in_cloudfront),
    })
}

fn tags(new: &NewCertificate<'_>) -> Result<Vec<Tag>, BuildError> {
    let tag = |key, value| Tag::builder().key(key).value(value).build();
    Ok(vec![
        tag(INSTANCE_TAG, tag_value(new.instance))?,
        tag(DEPLOYMENT_TAG, new.deployment.to_owned())?,
    ])
}

fn not_put(failure: Failure) -> NotPut {
    match failure.code() {
        "EntityAlreadyExists" => NotPut::Exists,
        "MalformedCertificate" | "KeyPairMismatch" => NotPut::Unfit(failure),
        // The cause may be the tags or the path.
        "InvalidInput" => NotPut::Refused(failure),
        _ => NotPut::Failed(failure),
    }
}

fn absent<T>(failure: Failure) -> Result<Option<T>, Failure> {
    match failure.code() {
        "NoSuchEntity" => Ok(None),
        _ => Err(failure),
    }
}

/// IAM service model: `/`-separated, printable ASCII, at most 512 characters.
fn path(path: &str) -> Result<String, String> {
    if !path.starts_with(LOOKED_INTO) || !path.ends_with('/') {
        return Err(format!("it must begin with {LOOKED_INTO} and end with /"));
    }
    if path.len() > 512 || !path.chars().all(|c| c.is_ascii_graphic()) {
        return Err("at most 512 printable ASCII characters, no blanks".to_owned());
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_that_cloudfront_looks_into() {
        assert!(path("/cloudfront/").is_ok());
        assert!(path("/cloudfront/a/b/").is_ok());
        for refused in ["", "/", "/cdn/", "/cloudfront", "/cloudfront/a", "/cloudfront/a b/"] {
            assert!(path(refused).is_err(), "{refused}");
        }
    }
}
