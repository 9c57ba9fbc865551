//! Removes certificates that are no longer in use from their stores, and wipes their keys: for a removed instance all
//! of them, otherwise all but the attached one.

use aws::broken;
use aws_effects::reference;
use certificate_store::Removed;
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
            if let Some(reference) = reference(&certificate)? {
                self.store.ensure_current(task).await?;
                match self.certificates.of(reference.store).remove(&reference).await {
                    Ok(Removed::Gone) => {}
                    Ok(Removed::InUse) => {
                        tracing::info!(certificate = reference.name, "CloudFront still uses the certificate");
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
}
