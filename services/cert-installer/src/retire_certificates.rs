//! Delete the IAM certificates that nothing uses any more, and wipe their keys: all of a removed instance, else all but
//! the one that is attached.

use aws::{Failure, Peer, broken};
use pipeline::reason::AwsReason;
use pipeline::{OperationKind, Outcome};
use store::Task;
use worker::Stop;

use crate::handler::Installer;

impl Installer {
    pub(crate) async fn retire_certificates(&self, task: &Task) -> Result<Outcome, Stop> {
        let kept = match task.operation_kind {
            OperationKind::Deprovision => None,
            OperationKind::Update | OperationKind::Renew => match self.store.attached_certificate(task).await? {
                Some(attached) => Some(attached.id),
                None => return Ok(broken("no certificate is attached")),
            },
            OperationKind::Provision => return Ok(broken("a provision retires no certificate")),
        };
        let mut in_use = false;
        for certificate in self.store.unretired_certificates(task).await? {
            if Some(certificate.id) == kept {
                continue;
            }
            if let Some(name) = &certificate.iam_name {
                self.store.ensure_current(task).await?;
                match self.delete_from_iam(name).await {
                    Ok(()) => {}
                    // For a while after its distribution was deleted, too (docs/aws-rules.md, rule 9).
                    Err(failure) if failure.code() == "DeleteConflict" => {
                        tracing::info!(iam_name = name, "CloudFront still uses the certificate");
                        in_use = true;
                        continue;
                    }
                    Err(failure) => return Ok(failure.outcome()),
                }
            }
            self.store.set_retired(certificate.id).await?;
        }
        Ok(if in_use {
            Outcome::pending(AwsReason::CertificateInUse)
        } else {
            Outcome::DONE
        })
    }

    /// Deletes it; one that isn't there was never uploaded, or is deleted already.
    pub(crate) async fn delete_from_iam(&self, name: &str) -> Result<(), Failure> {
        let deleted = self
            .iam
            .delete_server_certificate()
            .server_certificate_name(name)
            .send()
            .await;
        match deleted {
            Ok(_) => {
                tracing::info!(iam_name = name, "deleted the certificate");
                Ok(())
            }
            Err(error) => {
                let failure = Failure::new(Peer::Iam, "DeleteServerCertificate", &error);
                if failure.code() == "NoSuchEntity" {
                    Ok(())
                } else {
                    Err(failure)
                }
            }
        }
    }
}
