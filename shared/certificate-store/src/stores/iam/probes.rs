//! The doctor's requests to IAM: for objects that don't exist, and for objects that can't be created.

use aws::{CERTIFICATE_PREFIX, Failure, INSTANCE_TAG, Peer, Probe, Tried};
use aws_sdk_iam::Client;
use aws_sdk_iam::types::Tag;

/// IAM's complaints about an invalid certificate.
const NO_CERTIFICATE: &[&str] = &["MalformedCertificate", "KeyPairMismatch", "InvalidInput"];
const NOT_THERE: &[&str] = &["NoSuchEntity"];

pub(super) fn all(iam: &Client, path: &str) -> Vec<Probe> {
    vec![
        list(iam, path),
        get(iam),
        list_tags(iam),
        upload(iam, path),
        delete(iam),
    ]
}

/// A name of our form, which the policy may require; real ones have a UUID here.
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

/// With a tag, as this service uploads; the content is not a certificate. If it were accepted all the same, it would be
/// deleted at once.
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
