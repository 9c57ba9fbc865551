//! Uploads the certificate to its store: the location is recorded first, and a certificate that exists there already is
//! adopted.

use aws::{CloudFrontCertificate, broken};
use aws_effects::reference;
use certificate_store::{NewCertificate, NotPut, Reference};
use pipeline::Outcome;
use pipeline::reason::AwsReason;
use store::{Certificate, StoreError, Task};
use worker::{HandlerError, Stop};

use crate::handler::Installer;
use crate::pem::{self, Split};

impl Installer {
    pub(crate) async fn upload_certificate(&self, task: &Task) -> Result<Outcome, Stop> {
        let Some(certificate) = self.store.certificate(task).await? else {
            return Ok(broken("no certificate was stored in this round"));
        };
        let intended = match reference(&certificate)? {
            Some(Reference {
                in_cloudfront: Some(_), ..
            }) => return Ok(Outcome::DONE),
            // An earlier attempt may have uploaded it there.
            Some(intended) => intended,
            None => self.certificates.for_new().intended(certificate.id),
        };
        let split = match pem::split(&certificate.chain_pem) {
            Ok(split) => split,
            Err(error) => {
                return Ok(broken(format!("certificate {}: {error}", certificate.id)).for_the_certificate());
            }
        };
        self.store.intend_upload(task, certificate.id, &intended).await?;
        let (put, by_us) = match self.put(task, &certificate, &intended, &split).await? {
            Ok(put) => (put, true),
            Err(NotPut::Exists) => (self.adopt(&intended, &split).await?, false),
            Err(not_put) => return Ok(outcome(not_put, &certificate, &split)),
        };
        let uploaded = intended.put(put);
        match self.store.set_uploaded(task, certificate.id, &uploaded).await {
            Ok(()) => Ok(Outcome::DONE),
            Err(error) => {
                if matches!(error, StoreError::Stale) {
                    tracing::error!(
                        certificate = uploaded.name,
                        id = uploaded.id(),
                        "the certificate may be orphaned: the step was superseded while it was uploaded"
                    );
                    if by_us {
                        self.remove_if_retired(task, &certificate, &uploaded).await?;
                    }
                }
                Err(error.into())
            }
        }
    }

    /// Another worker may have recorded the same certificate by the same name, and CloudFront may use it, so a step
    /// that is no longer current is no reason to delete it. A retired certificate is deleted: nothing looks for its
    /// name again.
    async fn remove_if_retired(
        &self,
        task: &Task,
        certificate: &Certificate,
        reference: &Reference,
    ) -> Result<(), HandlerError> {
        let unretired = self.store.unretired_certificates(task).await?;
        if unretired.iter().any(|known| known.id == certificate.id) {
            return Ok(());
        }
        if let Err(failure) = self.certificates.of(reference.store).remove(reference).await {
            tracing::error!(certificate = reference.name, error = %failure, "the certificate is orphaned and can't be deleted");
        }
        Ok(())
    }

    async fn put(
        &self,
        task: &Task,
        certificate: &Certificate,
        reference: &Reference,
        split: &Split,
    ) -> Result<Result<CloudFrontCertificate, NotPut>, HandlerError> {
        let deployment = self.store.deployment().await?.to_string();
        let key = self.store.private_key(&self.key_ring, task, certificate).await?;
        let new = NewCertificate {
            reference,
            leaf: &split.body,
            chain: split.chain.as_deref(),
            key: &pem::private_key(&key),
            instance: &task.instance.id,
            deployment: &deployment,
        };
        // A worker that was frozen until now must not upload a certificate that a deprovision has retired.
        self.store.ensure_current(task).await?;
        Ok(self.certificates.of(reference.store).put(&new).await)
    }

    /// Adopts the certificate that exists by our name: an earlier attempt's, if it is the same certificate.
    async fn adopt(&self, reference: &Reference, split: &Split) -> Result<CloudFrontCertificate, Outcome> {
        let there = self.certificates.of(reference.store).find(reference).await;
        let Some(there) = there.map_err(|failure| failure.outcome())? else {
            return Err(Outcome::pending(AwsReason::CertificateUnsettled));
        };
        let name = &reference.name;
        if !pem::same_leaf(&there.leaf, &split.body) {
            return Err(broken(format!("another certificate has the name {name}")));
        }
        if let Some(why) = there.misplaced {
            return Err(broken(format!("certificate {name}: {why}")));
        }
        tracing::info!(
            certificate = name,
            id = there.in_cloudfront.id(),
            "adopted the certificate"
        );
        Ok(there.in_cloudfront)
    }
}

/// The outcome when a certificate was refused.
fn outcome(not_put: NotPut, certificate: &Certificate, split: &Split) -> Outcome {
    const NOT_TAKEN: &str =
        "AWS rejects the certificate that the CA issued; the broker's operator finds the reason in its log";
    match not_put {
        NotPut::Exists => Outcome::pending(AwsReason::CertificateUnsettled),
        NotPut::TooLong(longest) => too_long(certificate, split.body.len(), longest),
        NotPut::Unfit(failure) => failure.failed(NOT_TAKEN).for_the_certificate(),
        NotPut::Refused(failure) => failure.failed(NOT_TAKEN),
        NotPut::Failed(failure) => failure.outcome(),
    }
}

fn too_long(certificate: &Certificate, length: usize, longest: usize) -> Outcome {
    Outcome::failed(
        format!(
            "a certificate for these {} domains has {length} characters, and AWS accepts at most {longest}: \
             spread them over several services",
            certificate.names.len()
        ),
        format!("the body of certificate {} has {length} characters", certificate.id),
    )
    .for_the_certificate()
}
