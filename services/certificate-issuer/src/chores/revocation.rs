//! Revocation (RFC 8555 §7.6), signed by the account that ordered the certificate: the certificate's own key may be
//! compromised.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use instant_acme::{RevocationReason as Reason, RevocationRequest};
use pipeline::Outcome;
use pipeline::reason::Request;
use pipeline::revocation::RevocationReason;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use store::{Revocation, StoreError};
use telemetry::with_causes;
use worker::Stop;

use crate::account::Session;
use crate::ca::Cas;
use crate::client::triage::Trouble;
use crate::client::words::{cause, said, short_type};

const DOING: Request = Request::Revoke;
/// The most revocations requested in one run.
const A_TURN: u32 = 200;
/// When a revocation is retried after no response …
const LATER: Duration = Duration::from_secs(600);
/// … and after a refusal.
const REFUSED: Duration = Duration::from_secs(86_400);

/// After this many consecutive tenants whose revocations fail at a CA, it is probably unavailable: its others are left to a
/// later run.
const IN_VAIN: usize = 3;

/// Why a certificate isn't revoked yet.
#[derive(Debug)]
struct PutOff {
    why: String,
    again: Duration,
    /// The cause is not this certificate, so another one of the tenant from this CA would fail now as well.
    of_the_tenant: bool,
}

/// Requests the revocations that are due. Failures are recorded, and retried in a later run.
pub(crate) async fn revoke_due(cas: &Cas) -> Result<(), StoreError> {
    let mut in_vain = HashSet::new();
    let mut in_a_row: HashMap<Option<String>, usize> = HashMap::new();
    for due in cas.store.revocations_due(A_TURN).await? {
        let failures = in_a_row.entry(due.directory_url.clone()).or_default();
        if *failures == IN_VAIN || in_vain.contains(&(due.tenant.clone(), due.directory_url.clone())) {
            continue;
        }
        match revoke(cas, &due).await {
            Ok(()) => {
                *failures = 0;
                cas.store.set_revoked(due.certificate).await?;
                tracing::info!(
                    instance = due.instance,
                    certificate = %due.certificate,
                    reason = due.reason.as_str(),
                    "revoked"
                );
            }
            Err(put_off) => {
                tracing::warn!(
                    instance = due.instance,
                    certificate = %due.certificate,
                    why = put_off.why,
                    "not revoked yet"
                );
                let (why, again) = (&put_off.why, put_off.again);
                if put_off.of_the_tenant {
                    *failures += 1;
                    let ca = due.directory_url.as_deref();
                    cas.store.put_off_revocations_of(&due.tenant, ca, why, again).await?;
                    in_vain.insert((due.tenant, due.directory_url));
                } else {
                    *failures = 0;
                    cas.store.put_off_revocation(due.certificate, why, again).await?;
                }
            }
        }
    }
    Ok(())
}

async fn revoke(cas: &Cas, due: &Revocation) -> Result<(), PutOff> {
    let leaf = CertificateDer::from_pem_slice(due.chain_pem.as_bytes()).map_err(|error| PutOff {
        why: format!("the certificate can't be read: {error}"),
        again: REFUSED,
        of_the_tenant: false,
    })?;
    let ca = cas.at_or_first(due.directory_url.as_deref()).ok_or_else(|| PutOff {
        why: "its CA is not set any more: add it to ACME_OTHER_CAS".to_owned(),
        again: REFUSED,
        of_the_tenant: false,
    })?;
    let session = Session::open(cas, ca, &due.tenant)
        .await
        .map_err(|stop| stopped(&stop))?;
    let request = RevocationRequest {
        certificate: &leaf,
        reason: Some(reason(due.reason)),
    };
    let Err(error) = session.account().revoke(&request).await else {
        return Ok(());
    };
    match session.trouble(&error, DOING).await {
        Trouble::Refused(problem) if short_type(problem.r#type.as_deref()) == Some("alreadyRevoked") => Ok(()),
        Trouble::Refused(problem) => {
            tracing::debug!(problem = cause(DOING, &problem), "the CA refuses to revoke");
            Err(PutOff {
                why: format!("the CA refuses: {}", said(&problem)),
                again: REFUSED,
                of_the_tenant: false,
            })
        }
        Trouble::Gone => Err(PutOff {
            why: "the CA doesn't know the certificate".to_owned(),
            again: REFUSED,
            of_the_tenant: false,
        }),
        trouble => Err(stopped(&session.stop(trouble, DOING).await)),
    }
}

fn stopped(stop: &Stop) -> PutOff {
    let (why, again) = match stop {
        Stop::Outcome(Outcome::Pending {
            waiting_for,
            retry_after,
            ..
        }) => (waiting_for.to_string(), retry_after.unwrap_or(LATER)),
        Stop::Outcome(Outcome::Failed { for_user, .. }) => (for_user.clone(), REFUSED),
        // The CA doesn't know the account: the next run registers it again.
        Stop::Outcome(Outcome::Done(_)) => ("the CA doesn't know the account".to_owned(), LATER),
        Stop::Error(error) => {
            tracing::warn!(error = with_causes(error), "could not revoke");
            (error.to_string(), LATER)
        }
    };
    PutOff {
        why,
        again,
        of_the_tenant: true,
    }
}

fn reason(reason: RevocationReason) -> Reason {
    match reason {
        RevocationReason::KeyCompromise => Reason::KeyCompromise,
        RevocationReason::Superseded => Reason::Superseded,
        RevocationReason::CessationOfOperation => Reason::CessationOfOperation,
        RevocationReason::Unspecified => Reason::Unspecified,
    }
}
