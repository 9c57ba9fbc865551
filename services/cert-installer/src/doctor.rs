//! The external dependencies of this service, checked by calls that change nothing.

use std::sync::Arc;

use aws::{AccessTrouble, CloudFront};
use aws_config::SdkConfig;
use certificate_store::{CertificateStore, Quota, Stores};
use doctor::{Check, Finding};
use store::{Sealed, SharedSettings};

use crate::settings::Settings;

/// The checks, in the order of the report.
pub(crate) fn checks(
    settings: &Settings,
    shared: &SharedSettings,
    sdk: &SdkConfig,
    cloudfront: &CloudFront,
    certificates: &Stores,
) -> Vec<Check> {
    let stores: Vec<_> = certificates.all().into_iter().map(|(_, store)| store).collect();
    let mut probes: Vec<_> = stores.iter().flat_map(|store| store.probes()).collect();
    probes.extend([
        aws::try_get(cloudfront.client()),
        aws::try_get_config(cloudfront.client()),
        aws::try_update(cloudfront.client()),
    ]);
    let mut checks = vec![
        store::check_database(&settings.worker.database, "cert-installer"),
        store::check_shared_settings(&settings.worker.database, Some(shared)),
        messaging::check_rabbitmq(&settings.worker.amqp, "cert-installer"),
        store::check_seals(&settings.worker.database, &settings.sealing, Sealed::CertificateKeys),
        aws::check_aws(sdk, probes),
    ];
    checks.extend(stores.into_iter().map(room));
    checks
}

/// Whether the quota leaves room for renewals.
fn room(certificates: Arc<dyn CertificateStore>) -> Check {
    let Quota { of, name } = certificates.quota();
    Check::one(of, async move {
        match certificates.usage().await {
            Ok(usage) if usage.is_nearly_full() => Finding::warn(
                of,
                usage.to_string(),
                format!(
                    "have the quota raised (Service Quotas, \"{name}\"), or delete unused ones: a renewal needs room \
                     for one more"
                ),
            ),
            Ok(usage) => Finding::ok(of, usage.to_string()),
            Err(failure) => match AccessTrouble::of(&failure) {
                Some(trouble) if trouble.known => Finding::warn(of, trouble.what, trouble.to_do),
                // Reported above.
                Some(trouble) => Finding::skip(of, trouble.what),
                None => Finding::warn(of, format!("not known: {failure}"), "run the doctor again"),
            },
        }
    })
}
