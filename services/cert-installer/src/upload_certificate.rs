//! Upload the certificate to IAM: the name is written down first, a certificate that is there already is adopted.

use aws::{CERTIFICATE_PREFIX, DEPLOYMENT_TAG, Failure, INSTANCE_TAG, Peer, broken, tag_value};
use aws_effects::unbuilt;
use aws_sdk_iam::types::{ServerCertificateMetadata, Tag};
use pipeline::Outcome;
use pipeline::reason::AwsReason;
use secrecy::ExposeSecret as _;
use store::{Certificate, StoreError, Task};
use worker::{HandlerError, Stop};

use crate::handler::Installer;
use crate::pem::{self, Split};

/// IAM's longest `CertificateBody`, in characters (service model).
const LONGEST_BODY: usize = 16_384;

impl Installer {
    pub(crate) async fn upload_certificate(&self, task: &Task) -> Result<Outcome, Stop> {
        let Some(certificate) = self.store.certificate(task).await? else {
            return Ok(broken("no certificate was stored in this round"));
        };
        if certificate.iam_id.is_some() {
            return Ok(Outcome::DONE);
        }
        let split = match pem::split(&certificate.chain_pem) {
            Ok(split) => split,
            Err(error) => {
                return Ok(broken(format!("certificate {}: {error}", certificate.id)).for_the_certificate());
            }
        };
        if split.body.len() > LONGEST_BODY {
            return Ok(too_long(&certificate, split.body.len()));
        }
        let name = format!("{CERTIFICATE_PREFIX}{}", certificate.id);
        self.store.set_iam(task, certificate.id, &name, None).await?;
        let (uploaded, by_us) = match self.upload(task, &certificate, &name, &split).await? {
            Ok(uploaded) => (uploaded, true),
            Err(failure) if failure.code() == "EntityAlreadyExists" => (self.adopt(&name, &split).await?, false),
            Err(failure) => return Ok(refused(&failure)),
        };
        let id = &uploaded.server_certificate_id;
        match self.store.set_iam(task, certificate.id, &name, Some(id)).await {
            Ok(()) => Ok(Outcome::DONE),
            Err(error) => {
                if matches!(error, StoreError::Stale) {
                    tracing::error!(
                        iam_name = name,
                        iam_id = id,
                        "the IAM certificate may be orphaned: the step was superseded while it was uploaded"
                    );
                    if by_us {
                        self.delete_if_retired(task, &certificate, &name).await?;
                    }
                }
                Err(error.into())
            }
        }
    }

    /// Another worker may have recorded the same certificate by the same name, and CloudFront may use it: a step that is
    /// no longer current is no reason to delete it. That it is retired is one: nothing looks for its name again.
    async fn delete_if_retired(&self, task: &Task, certificate: &Certificate, name: &str) -> Result<(), HandlerError> {
        let unretired = self.store.unretired_certificates(task).await?;
        if unretired.iter().any(|known| known.id == certificate.id) {
            return Ok(());
        }
        if let Err(failure) = self.delete_from_iam(name).await {
            tracing::error!(iam_name = name, error = %failure, "the IAM certificate is orphaned and can't be deleted");
        }
        Ok(())
    }

    async fn upload(
        &self,
        task: &Task,
        certificate: &Certificate,
        name: &str,
        split: &Split,
    ) -> Result<Result<ServerCertificateMetadata, Failure>, HandlerError> {
        const ACTION: &str = "UploadServerCertificate";
        let deployment = self.store.deployment().await?.to_string();
        let tag = |key, value| Tag::builder().key(key).value(value).build().map_err(unbuilt);
        let key = self.store.private_key(&self.key_ring, task, certificate).await?;
        let request = self
            .iam
            .upload_server_certificate()
            .server_certificate_name(name)
            .path(&self.iam_path)
            .certificate_body(&split.body)
            .set_certificate_chain(split.chain.clone())
            .private_key(pem::private_key(&key).expose_secret())
            .tags(tag(INSTANCE_TAG, tag_value(&task.instance.id))?)
            .tags(tag(DEPLOYMENT_TAG, deployment)?);
        // A worker that froze until now must not upload what a deprovision has retired.
        self.store.ensure_current(task).await?;
        Ok(match request.send().await {
            Ok(answer) => answer
                .server_certificate_metadata
                .inspect(|uploaded| {
                    tracing::info!(
                        iam_name = name,
                        iam_id = uploaded.server_certificate_id,
                        "uploaded the certificate"
                    );
                })
                // The next attempt is told that it exists, and adopts it.
                .ok_or_else(|| Failure::incomplete(Peer::Iam, ACTION, "metadata")),
            Err(error) => Err(Failure::new(Peer::Iam, ACTION, &error)),
        })
    }

    /// The certificate that has our name already: that of an earlier attempt, if it is the same one.
    async fn adopt(&self, name: &str, split: &Split) -> Result<ServerCertificateMetadata, Outcome> {
        const ACTION: &str = "GetServerCertificate";
        let answer = self
            .iam
            .get_server_certificate()
            .server_certificate_name(name)
            .send()
            .await
            .map_err(|error| {
                let failure = Failure::new(Peer::Iam, ACTION, &error);
                if failure.code() == "NoSuchEntity" {
                    Outcome::pending(AwsReason::CertificateUnsettled)
                } else {
                    failure.outcome()
                }
            })?;
        let there = answer
            .server_certificate
            .ok_or_else(|| Failure::incomplete(Peer::Iam, ACTION, "certificate").outcome())?;
        let metadata = there
            .server_certificate_metadata
            .ok_or_else(|| Failure::incomplete(Peer::Iam, ACTION, "metadata").outcome())?;
        if !pem::same_leaf(&there.certificate_body, &split.body) {
            return Err(broken(format!("IAM has another certificate by the name {name}")));
        }
        if !metadata.path.starts_with("/cloudfront/") {
            return Err(broken(format!(
                "the IAM certificate {name} was moved to {}, where CloudFront doesn't look",
                metadata.path
            )));
        }
        tracing::info!(
            iam_name = name,
            iam_id = metadata.server_certificate_id,
            "adopted the certificate"
        );
        Ok(metadata)
    }
}

fn too_long(certificate: &Certificate, length: usize) -> Outcome {
    Outcome::failed(
        format!(
            "a certificate for these {} domains has {length} characters, and AWS takes at most {LONGEST_BODY}: \
             spread them over several services",
            certificate.names.len()
        ),
        format!("the body of certificate {} has {length} characters", certificate.id),
    )
    .for_the_certificate()
}

fn refused(failure: &Failure) -> Outcome {
    const NOT_TAKEN: &str =
        "AWS doesn't take the certificate that the CA issued; the broker's operator finds the reason in its log";
    match failure.code() {
        "MalformedCertificate" | "KeyPairMismatch" => failure.failed(NOT_TAKEN).for_the_certificate(),
        // It may be about the tags, or the path.
        "InvalidInput" => failure.failed(NOT_TAKEN),
        _ => failure.outcome(),
    }
}
