//! What this service needs from outside, tried by calls that change nothing.

use aws::{AccessTrouble, CERTIFICATE_PREFIX, CloudFront, Failure, INSTANCE_TAG, Peer, Probe, Tried};
use aws_config::SdkConfig;
use aws_sdk_iam::Client;
use aws_sdk_iam::types::Tag;
use doctor::{Check, Finding};
use store::{Sealed, SharedSettings};

use crate::iam_usage::IamUsage;
use crate::settings::Settings;

/// What IAM complains of when the certificate is none.
const NO_CERTIFICATE: &[&str] = &["MalformedCertificate", "KeyPairMismatch", "InvalidInput"];
const NOT_THERE: &[&str] = &["NoSuchEntity"];

/// The checks, in the order in which they are told.
pub(crate) fn checks(
    settings: &Settings,
    shared: &SharedSettings,
    sdk: &SdkConfig,
    cloudfront: &CloudFront,
    iam: &Client,
) -> Vec<Check> {
    vec![
        store::check_database(&settings.worker.database, "cert-installer"),
        store::check_shared_settings(&settings.worker.database, Some(shared)),
        messaging::check_rabbitmq(&settings.worker.amqp, "cert-installer"),
        store::check_seals(&settings.worker.database, &settings.sealing, Sealed::CertificateKeys),
        aws::check_aws(
            sdk,
            list(iam, &settings.iam_path),
            vec![
                get(iam),
                list_tags(iam),
                upload(iam, &settings.iam_path),
                delete(iam),
                aws::try_get(cloudfront.client()),
                aws::try_get_config(cloudfront.client()),
                aws::try_update(cloudfront.client()),
            ],
        ),
        room(iam.clone()),
    ]
}

/// Whether there is room for renewals.
fn room(iam: Client) -> Check {
    const ABOUT: &str = "IAM server certificates";
    Check::one(ABOUT, async move {
        match IamUsage::read(&iam).await {
            Ok(usage) if usage.is_nearly_full() => Finding::warn(
                ABOUT,
                usage.to_string(),
                "have the quota raised (Service Quotas, \"Server certificates per account\"), or delete what nobody needs: a \
                 renewal needs room for one more",
            ),
            Ok(usage) => Finding::ok(ABOUT, usage.to_string()),
            Err(failure) => match AccessTrouble::of(&failure) {
                Some(trouble) if trouble.known => Finding::warn(ABOUT, trouble.what, trouble.to_do),
                // Told above.
                Some(trouble) => Finding::skip(ABOUT, trouble.what),
                None => Finding::warn(ABOUT, format!("not known: {failure}"), "ask the doctor again"),
            },
        }
    })
}

/// Named as ours are, which the policy may demand; ours have a UUID there.
fn no_certificate() -> String {
    format!("{CERTIFICATE_PREFIX}doctor")
}

fn list(iam: &Client, path: &str) -> Probe {
    let (iam, path) = (iam.clone(), path.to_string());
    Probe::new(Peer::Iam, "ListServerCertificates", &[], move || {
        iam.list_server_certificates().path_prefix(&path).max_items(1).send()
    })
}

fn get(iam: &Client) -> Probe {
    let iam = iam.clone();
    Probe::new(Peer::Iam, "GetServerCertificate", NOT_THERE, move || {
        iam.get_server_certificate()
            .server_certificate_name(no_certificate())
            .send()
    })
}

fn list_tags(iam: &Client) -> Probe {
    let iam = iam.clone();
    Probe::new(Peer::Iam, "ListServerCertificateTags", NOT_THERE, move || {
        iam.list_server_certificate_tags()
            .server_certificate_name(no_certificate())
            .send()
    })
}

fn delete(iam: &Client) -> Probe {
    let iam = iam.clone();
    Probe::new(Peer::Iam, "DeleteServerCertificate", NOT_THERE, move || {
        iam.delete_server_certificate()
            .server_certificate_name(no_certificate())
            .send()
    })
}

/// With a tag, as this service uploads; what is sent is no certificate. Were it taken all the same, it is deleted at once.
fn upload(iam: &Client, path: &str) -> Probe {
    const ACTION: &str = "UploadServerCertificate with TagServerCertificate";
    let (iam, path) = (iam.clone(), path.to_string());
    Probe::by(Peer::Iam, ACTION, NO_CERTIFICATE, move || {
        let call = iam
            .upload_server_certificate()
            .path(&path)
            .server_certificate_name(no_certificate())
            .certificate_body("no certificate, a question of the doctor")
            .private_key("no key");
        let iam = iam.clone();
        async move {
            let tag = Tag::builder().key(INSTANCE_TAG).value("doctor").build();
            let tag = tag.map_err(|_| Failure::incomplete(Peer::Iam, ACTION, "input"))?;
            let answer = call.tags(tag).send().await;
            answer.map_err(|error| Failure::new(Peer::Iam, ACTION, &error))?;
            let deletion = iam
                .delete_server_certificate()
                .server_certificate_name(no_certificate());
            let deleted = deletion.send().await;
            let deleted = deleted
                .map(drop)
                .map_err(|error| Failure::new(Peer::Iam, "DeleteServerCertificate", &error));
            Ok(Tried::made(format!("certificate {}", no_certificate()), deleted))
        }
    })
}
