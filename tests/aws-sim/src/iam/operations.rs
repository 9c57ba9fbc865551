//! The server certificate operations.

use std::sync::Arc;
use std::time::Instant;

use time::OffsetDateTime;

use super::certificate::Certificate;
use super::query::Form;
use super::xml::{refuse, response};
use super::{pem, tags};
use crate::api::Reply;
use crate::cloudfront::views::timestamp;
use crate::error::{Answer, ApiError};
use crate::ids;
use crate::state::{Sim, World};
use crate::xml::Element;

const MAX_PEM: usize = 16_384;
const MAX_CHAIN: usize = 2_097_152;

/// Performs a call that was authenticated and allowed.
pub fn perform(sim: &Sim, form: &Form, request_id: &str) -> Answer<Reply> {
    if form.get("Version") != Some("2010-05-08") {
        return Err(refuse("InvalidAction", "Could not find operation for this version."));
    }
    let mut world = sim.world();
    let result = match form.action() {
        "UploadServerCertificate" => Some(upload(&mut world, form)?),
        "GetServerCertificate" => Some(get(&world, form)?),
        "ListServerCertificates" => Some(list(&world, form)?),
        "GetAccountSummary" => Some(summary(&world)),
        "DeleteServerCertificate" => delete(&mut world, form).map(|()| None)?,
        "UpdateServerCertificate" => rename(&mut world, form).map(|()| None)?,
        "TagServerCertificate" => tags::add(found(&mut world, form)?, form).map(|()| None)?,
        "UntagServerCertificate" => tags::remove(found(&mut world, form)?, form).map(|()| None)?,
        "ListServerCertificateTags" => Some(tags::list(found(&mut world, form)?)),
        other => {
            return Err(refuse(
                "InvalidAction",
                format!("Could not find operation {other} for version 2010-05-08"),
            ));
        }
    };
    Ok(Reply::ok(response(form.action(), result, request_id)))
}

fn upload(world: &mut World, form: &Form) -> Answer<Vec<Element>> {
    let name = form.required("ServerCertificateName", 128, in_name)?;
    let path = path(form, "Path")?.unwrap_or("/").to_owned();
    let body = form.required("CertificateBody", MAX_PEM, in_pem)?;
    let key = form.required("PrivateKey", MAX_PEM, in_pem)?;
    let chain = form.optional("CertificateChain", MAX_CHAIN, in_pem)?;
    let tags = tags::read(form)?;
    let parsed = pem::parse(body, key, chain)?;
    if taken(world, name) {
        return Err(exists(name));
    }
    if world.certificates.len() >= world.limits.iam_quota {
        let quota = world.limits.iam_quota;
        return Err(refuse(
            "LimitExceeded",
            format!("Cannot exceed quota for ServerCertificatesPerAccount: {quota}"),
        ));
    }
    let certificate = Certificate {
        id: ids::certificate(),
        name: name.to_owned(),
        path,
        body: body.to_owned(),
        chain: chain.map(str::to_owned),
        tags,
        names: parsed.names,
        fingerprint: parsed.fingerprint,
        not_before: parsed.validity.0,
        not_after: parsed.validity.1,
        upload_date: OffsetDateTime::now_utc(),
        uploaded: Instant::now(),
        key_fits_cloudfront: parsed.key_fits_cloudfront,
        keyed: Arc::new(parsed.keyed),
    };
    let mut result = vec![metadata("ServerCertificateMetadata", &certificate)];
    result.extend(tags::element(&certificate.tags));
    world.history.certificate_made(&certificate);
    world.certificates.insert(name.to_owned(), certificate);
    Ok(result)
}

fn get(world: &World, form: &Form) -> Answer<Vec<Element>> {
    let name = form.required("ServerCertificateName", 128, in_name)?;
    let certificate = world.certificates.get(name).ok_or_else(|| missing(name))?;
    let mut children = vec![
        metadata("ServerCertificateMetadata", certificate),
        Element::leaf("CertificateBody", &certificate.body),
    ];
    children.extend(
        certificate
            .chain
            .as_ref()
            .map(|chain| Element::leaf("CertificateChain", chain)),
    );
    children.extend(tags::element(&certificate.tags));
    Ok(vec![Element::node("ServerCertificate", children)])
}

fn list(world: &World, form: &Form) -> Answer<Vec<Element>> {
    let prefix = form.optional("PathPrefix", 512, in_path)?.unwrap_or("/");
    let marker = form.get("Marker");
    let max = form.max_items()?;
    let mut rest = world
        .certificates
        .values()
        .filter(|certificate| certificate.path.starts_with(prefix))
        .filter(|certificate| marker.is_none_or(|marker| certificate.name.as_str() > marker));
    let page = rest.by_ref().take(max).collect::<Vec<_>>();
    let more = rest.next().is_some();
    let members = page.iter().map(|certificate| metadata("member", certificate)).collect();
    let mut result = vec![
        Element::node("ServerCertificateMetadataList", members),
        Element::leaf("IsTruncated", more.to_string()),
    ];
    if let (true, Some(last)) = (more, page.last()) {
        result.push(Element::leaf("Marker", &last.name));
    }
    Ok(result)
}

/// Only the counts of server certificates; the real one counts everything in IAM.
fn summary(world: &World) -> Vec<Element> {
    let entry = |key: &str, value: usize| {
        let pair = vec![Element::leaf("key", key), Element::leaf("value", value.to_string())];
        Element::node("entry", pair)
    };
    let entries = vec![
        entry("ServerCertificates", world.certificates.len()),
        entry("ServerCertificatesQuota", world.limits.iam_quota),
    ];
    vec![Element::node("SummaryMap", entries)]
}

fn delete(world: &mut World, form: &Form) -> Answer<()> {
    let name = form.required("ServerCertificateName", 128, in_name)?;
    let certificate = world.certificates.get(name).ok_or_else(|| missing(name))?;
    if let Some(user) = world.users_of(&certificate.id).first() {
        let id = &certificate.id;
        let message = format!(
            "Certificate: {id} is currently in use by CloudFront distribution {user}. Please remove it first before deleting it from IAM."
        );
        return Err(refuse("DeleteConflict", message));
    }
    if let Some(gone) = world.certificates.remove(name) {
        world.history.certificate_deleted(&gone.id);
    }
    Ok(())
}

fn rename(world: &mut World, form: &Form) -> Answer<()> {
    let name = form.required("ServerCertificateName", 128, in_name)?;
    let new_name = form.optional("NewServerCertificateName", 128, in_name)?;
    let new_path = path(form, "NewPath")?;
    if !world.certificates.contains_key(name) {
        return Err(missing(name));
    }
    if let Some(new_name) = new_name
        && !new_name.eq_ignore_ascii_case(name)
        && taken(world, new_name)
    {
        return Err(exists(new_name));
    }
    if let Some(mut certificate) = world.certificates.remove(name) {
        certificate.name = new_name.unwrap_or(name).to_owned();
        certificate.path = new_path.map_or(certificate.path, str::to_owned);
        world.certificates.insert(certificate.name.clone(), certificate);
    }
    Ok(())
}

fn found<'a>(world: &'a mut World, form: &Form) -> Answer<&'a mut Certificate> {
    let name = form.required("ServerCertificateName", 128, in_name)?;
    world.certificates.get_mut(name).ok_or_else(|| missing(name))
}

/// Names are unique case-insensitively (IAM User Guide, "IAM names").
fn taken(world: &World, name: &str) -> bool {
    world.certificates.keys().any(|other| other.eq_ignore_ascii_case(name))
}

fn path<'a>(form: &'a Form, name: &str) -> Answer<Option<&'a str>> {
    let path = form.optional(name, 512, in_path)?;
    match path {
        Some(path) if !(path.starts_with('/') && path.ends_with('/')) => Err(refuse(
            "ValidationError",
            "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric \
             characters and/or / characters.",
        )),
        path => Ok(path),
    }
}

fn metadata(name: &str, certificate: &Certificate) -> Element {
    let children = vec![
        Element::leaf("Path", &certificate.path),
        Element::leaf("ServerCertificateName", &certificate.name),
        Element::leaf("ServerCertificateId", &certificate.id),
        Element::leaf("Arn", certificate.arn()),
        Element::leaf("UploadDate", timestamp(certificate.upload_date)),
        Element::leaf("Expiration", timestamp(certificate.not_after)),
    ];
    Element::node(name, children)
}

fn missing(name: &str) -> ApiError {
    refuse(
        "NoSuchEntity",
        format!("The Server Certificate with name {name} cannot be found."),
    )
}

fn exists(name: &str) -> ApiError {
    refuse(
        "EntityAlreadyExists",
        format!("The Server Certificate with name {name} already exists."),
    )
}

fn in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

fn in_path(c: char) -> bool {
    ('\u{21}'..='\u{7e}').contains(&c)
}

fn in_pem(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}')
}
