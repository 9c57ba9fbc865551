//! The rights that each operation requires.
//!
//! Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Identity and Access
//! Management". The ARN of a certificate contains its path; for a nonexistent one only the name is known.

use super::query::Form;
use super::tags;
use crate::ids::ACCOUNT;
use crate::policy::Asked;
use crate::state::World;

/// The rights that an operation requires of its caller. Uploading with tags requires two (IAM User Guide, "Tag server
/// certificates").
pub fn needed(form: &Form, world: &World) -> Vec<Asked> {
    let action = format!("iam:{}", form.action());
    let name = form.get("ServerCertificateName").unwrap_or_default();
    match form.action() {
        "ListServerCertificates" | "GetAccountSummary" => vec![Asked::on(action, "*")],
        "UploadServerCertificate" => {
            let arn = arn(form.get("Path").unwrap_or("/"), name);
            let tags = tags::read(form).unwrap_or_default();
            let mut asked = vec![Asked::on(action, &arn).bringing(tags.clone())];
            if !tags.is_empty() {
                asked.push(Asked::on("iam:TagServerCertificate", arn).bringing(tags));
            }
            asked
        }
        _ => match world.certificates.get(name) {
            Some(certificate) => vec![Asked::on(action, certificate.arn()).tagged(&certificate.tags)],
            None => vec![Asked::on(action, arn("/", name))],
        },
    }
}

fn arn(path: &str, name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:server-certificate{path}{name}")
}
