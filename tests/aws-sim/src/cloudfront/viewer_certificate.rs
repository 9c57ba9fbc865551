//! The certificate that a distribution presents, and whether it is allowed for its aliases.
//!
//! Sources: service model, `ViewerCertificate`; Developer Guide, "Requirements for using SSL/TLS certificates with
//! CloudFront" and "Requirements for using alternate domain names"; messages as quoted in public bug reports.

use std::time::{Duration, Instant};

use super::errors::refuse;
use crate::error::{Answer, ApiError};
use crate::iam::certificate::Certificate;
use crate::state::World;
use crate::trust::Roots;
use crate::xml::Element;

const NOT_USABLE: &str = "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid, or doesn't \
                          include a valid certificate chain.";
const NOT_COVERED: &str = "The certificate that is attached to your distribution doesn't cover the alternate domain name \
                           (CNAME) that you're trying to add. For more details, see: \
                           https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/CNAMEs.html#alternate-domain-names-requirements";
const NO_CERTIFICATE: &str = "To add an alternate domain name (CNAME) to a CloudFront distribution, you must attach a \
                              trusted certificate that validates your authorization to use the domain name. For more \
                              details, see: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/CNAMEs.html#alternate-domain-names-requirements";
const NOT_TRUSTED: &str = "The certificate that is attached to your distribution was not issued by a trusted Certificate \
                           Authority. For more details, see: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/CNAMEs.html#alternate-domain-names-requirements";
const EXPIRED: &str = "The certificate that is attached to your distribution has expired or is not yet valid.";

/// Checks the members of `ViewerCertificate` against one another, and rewrites the deprecated form (`Certificate` with
/// `CertificateSource` `iam`) as the current one.
pub fn normalize(config: &mut Element) -> Answer<()> {
    let Some(certificate) = config.child_mut("ViewerCertificate") else {
        return Ok(());
    };
    let given = |name: &str| certificate.given(name).map(str::to_owned);
    let (legacy, source) = (given("Certificate"), given("CertificateSource"));
    let (iam, acm) = (given("IAMCertificateId"), given("ACMCertificateArn"));
    if certificate.is_true("CloudFrontDefaultCertificate") {
        return default_alone(certificate, iam.or(acm).or(legacy).is_some(), source.as_deref());
    }
    if iam.is_some() && acm.is_some() {
        return Err(wrong("Specify only one of IAMCertificateId and ACMCertificateArn."));
    }
    if iam.is_some() {
        if legacy.is_some() && legacy != iam {
            return Err(wrong(
                "Your IAMCertificateId does not match the given Certificate field",
            ));
        }
        if source.is_some_and(|source| source != "iam") {
            return Err(wrong(
                "Cannot specify IAMCertificateId and a CertificateSource not equal to \"iam\"",
            ));
        }
    } else if acm.is_some() {
        return Err(wrong(NOT_USABLE));
    } else {
        match (legacy, source.as_deref()) {
            (Some(id), Some("iam")) => certificate.set(Element::leaf("IAMCertificateId", id)),
            (Some(_), _) => return Err(wrong(NOT_USABLE)),
            _ => {
                let message = "Specify CloudFrontDefaultCertificate, IAMCertificateId or ACMCertificateArn.";
                return Err(wrong(message));
            }
        }
    }
    protocol(certificate)
}

fn default_alone(certificate: &Element, other: bool, source: Option<&str>) -> Answer<()> {
    if other || source.is_some_and(|source| source != "cloudfront") {
        return Err(wrong(
            "CloudFrontDefaultCertificate cannot be true together with another certificate.",
        ));
    }
    // The service itself returns `vip` and `TLSv1` with its default certificate: sending that back is allowed, other
    // values are not.
    if certificate
        .given("SSLSupportMethod")
        .is_some_and(|method| method != "vip")
    {
        return Err(wrong(
            "SSLSupportMethod cannot be set with CloudFrontDefaultCertificate.",
        ));
    }
    if certificate
        .given("MinimumProtocolVersion")
        .is_some_and(|version| version != "TLSv1")
    {
        let message = "The minimum protocol version must be TLSv1 with CloudFrontDefaultCertificate.";
        return Err(refuse("InvalidMinimumProtocolVersion", message));
    }
    Ok(())
}

fn protocol(certificate: &Element) -> Answer<()> {
    match certificate.given("SSLSupportMethod") {
        Some("sni-only") => {}
        Some(_) => {
            let message =
                "You cannot create anymore custom SSL/TLS certificates. (The account has no dedicated IP addresses.)";
            return Err(refuse("TooManyCertificates", message));
        }
        None => return Err(wrong("SSLSupportMethod is required with IAMCertificateId.")),
    }
    match certificate.given("MinimumProtocolVersion") {
        Some("SSLv3") => {
            let message = "You cannot specify SSLv3 as the minimum protocol version if you only want to support only \
                           clients that support Server Name Indication (SNI).";
            Err(refuse("InvalidProtocolSettings", message))
        }
        Some(_) => Ok(()),
        None => Err(refuse(
            "InvalidMinimumProtocolVersion",
            "MinimumProtocolVersion is required with IAMCertificateId.",
        )),
    }
}

/// Checks that the configured certificate may be used for the configured aliases.
pub fn authorize(world: &World, config: &Element, roots: &Roots) -> Answer<()> {
    let aliases = config.item_texts("Aliases");
    match config.given("ViewerCertificate/IAMCertificateId") {
        Some(id) => {
            let certificate = usable(world, id)?;
            trusted(certificate, roots)?;
            if aliases.iter().all(|alias| certificate.covers(alias)) {
                Ok(())
            } else {
                Err(wrong(NOT_COVERED))
            }
        }
        None if aliases.is_empty() => Ok(()),
        None => Err(wrong(NO_CERTIFICATE)),
    }
}

/// The certificate with this id, if CloudFront sees it: uploaded long enough ago, under the right path, with a
/// supported key type.
fn usable<'a>(world: &'a World, id: &str) -> Answer<&'a Certificate> {
    let visible = Duration::from_millis(world.limits.iam_visible_ms);
    world
        .certificate_by_id(id)
        .filter(|certificate| Instant::now().duration_since(certificate.uploaded) >= visible)
        .filter(|certificate| certificate.path.starts_with("/cloudfront/"))
        .filter(|certificate| certificate.key_fits_cloudfront)
        .ok_or_else(|| wrong(NOT_USABLE))
}

fn trusted(certificate: &Certificate, roots: &Roots) -> Answer<()> {
    if !certificate.valid_now() {
        return Err(wrong(EXPIRED));
    }
    match roots.verify(certificate) {
        Ok(()) => Ok(()),
        Err(problem) => {
            tracing::info!(name = %certificate.name, %problem, "the viewer certificate is not trusted");
            Err(wrong(NOT_TRUSTED))
        }
    }
}

/// Whether the configuration's certificate covers an alias, for the operations that move aliases.
pub fn covers(world: &World, config: &Element, alias: &str) -> bool {
    config
        .given("ViewerCertificate/IAMCertificateId")
        .and_then(|id| world.certificate_by_id(id))
        .is_some_and(|certificate| certificate.valid_now() && certificate.covers(alias))
}

/// Whether an update attaches another certificate or adds an alias: only then the certificate is checked again. Whether
/// the service checks an unchanged one (it may have expired in the meantime) is not documented; it must be possible to
/// disable a distribution even then.
pub fn needs_authorization(before: &Element, after: &Element) -> bool {
    let id = "ViewerCertificate/IAMCertificateId";
    let had = before.item_texts("Aliases");
    before.given(id) != after.given(id)
        || after
            .item_texts("Aliases")
            .iter()
            .any(|alias| !had.iter().any(|old| old.eq_ignore_ascii_case(alias)))
}

fn wrong(message: &str) -> ApiError {
    refuse("InvalidViewerCertificate", message)
}
