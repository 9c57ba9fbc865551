//! A distribution with the domain as its alias; without it if CloudFront does not accept the certificate.

use std::time::Duration;

use aws::{CloudFrontCertificate, Failure, Peer, Viewer, ViewerSettings, distribution_tags};
use aws_sdk_cloudfront::error::BuildError;
use aws_sdk_cloudfront::types::{
    CustomOriginConfig, DefaultCacheBehavior, DistributionConfig, DistributionConfigWithTags, MinimumProtocolVersion,
    Origin, OriginProtocolPolicy, OriginSslProtocols, Origins, PriceClass, SslProtocol, ViewerCertificate,
    ViewerProtocolPolicy,
};
use pipeline::managed::CACHING_DISABLED;
use tokio::time::Instant;
use uuid::Uuid;

use super::beliefs::{TRUSTED, VISIBLE, Verdict};
use super::certificate::INSTANCE;
use super::check::{Check, refusal, span};
use super::ended::Ended;
use super::state::{KeyKind, Kind};

const ORIGIN: &str = "origin";
/// A certificate that is not visible after this time never will be (CERTIFICATE_VISIBLE_WITHIN).
const VISIBLE_WITHIN: Duration = Duration::from_secs(15 * 60);
/// No browser trusts its certificates.
const LETS_ENCRYPT_STAGING: &str = "https://acme-staging-v02.api.letsencrypt.org/";

/// Whether the account can be queried at all, and has no distribution with the domain.
pub(super) async fn list(check: &mut Check) -> Result<String, Ended> {
    let all = check.cloudfront.list().await?;
    let ours = comment(&check.state.distribution());
    let taken = all.iter().find(|listed| {
        let mut aliases = listed.aliases.iter().flat_map(|aliases| aliases.items());
        aliases.any(|alias| *alias == check.state.domain) && listed.comment != ours
    });
    match taken {
        None => Ok(format!("distributions in the account: {}", all.len())),
        Some(listed) => Err(Ended::Unfit(format!(
            "{} is on the distribution {} already: use a domain that is not in use",
            check.state.domain, listed.id
        ))),
    }
}

/// Creates the distribution that is used for all other tests.
pub(super) async fn create(check: &mut Check) -> Result<String, Ended> {
    let name = check.state.distribution();
    let rsa = check.state.certificate(KeyKind::Rsa2048);
    let certificate = check.state.id(&rsa);
    // For a distribution that an interrupted run created, the time is unknown.
    let is_new = check.state.thing(&name).is_none();
    let begun = Instant::now();
    loop {
        let failure = match make(check, &name, certificate.as_deref(), true).await? {
            Ok(()) => {
                check.state.has_alias = true;
                if is_new {
                    let told = format!("RSA 2048: {}", span(begun.elapsed()));
                    check.see(VISIBLE, Verdict::Confirmed, told);
                }
                taken(check);
                return Ok(format!("created, with the alias {}", check.state.domain));
            }
            Err(failure) => failure,
        };
        if failure.code() != "InvalidViewerCertificate" {
            return Err(failure.into());
        }
        if is_unseen(&failure) && begun.elapsed() < visible_within(check) {
            check.stop.pause(check.args.every.into()).await?;
            continue;
        }
        let said = refusal(failure)?;
        refused(check, &said);
        return match make(check, &name, None, true).await? {
            Ok(()) => Ok(format!("created without the alias, since CloudFront said: {said}")),
            Err(failure) => Err(failure.into()),
        };
    }
}

/// How long CloudFront may report that it doesn't see the certificate.
pub(super) fn visible_within(check: &Check) -> Duration {
    VISIBLE_WITHIN.min(check.args.patience.into())
}

/// The same error for a certificate that is not visible yet and for one that never will be (docs/aws-rules.md, rule 7).
pub(super) fn is_unseen(failure: &Failure) -> bool {
    failure.code() == "InvalidViewerCertificate" && failure.message().contains("doesn't exist")
}

fn is_staging(check: &Check) -> bool {
    check.state.acme_directory_url.starts_with(LETS_ENCRYPT_STAGING)
}

fn taken(check: &mut Check) {
    if is_staging(check) {
        check.see(TRUSTED, Verdict::Refuted, "Let's Encrypt's staging was accepted");
    } else {
        check.see(
            TRUSTED,
            Verdict::NotSeen,
            "the CA's certificate was accepted; browsers may trust it",
        );
    }
}

fn refused(check: &mut Check, said: &str) {
    if is_staging(check) || said.contains("trusted Certificate Authority") {
        check.see(TRUSTED, Verdict::Confirmed, said);
    } else {
        check.see(TRUSTED, Verdict::NotSeen, format!("browsers may trust the CA: {said}"));
        check.see(VISIBLE, Verdict::Refuted, format!("RSA 2048: {said}"));
    }
}

/// Creates a distribution, or finds it; or returns CloudFront's refusal.
pub(super) async fn make(
    check: &mut Check,
    reference: &str,
    certificate: Option<&str>,
    enabled: bool,
) -> Result<Result<(), Failure>, Ended> {
    const ACTION: &str = "CreateDistributionWithTags";
    // An interrupted run may have created it: then CloudFront may report its alias as taken before its reference.
    if check.state.thing(reference).is_some_and(|thing| !thing.gone)
        && let Some(id) = find(check, reference).await?
    {
        check.made(reference, &id)?;
        return Ok(Ok(()));
    }
    check.intend(Kind::Distribution, reference)?;
    let input = with_tags(check, reference, certificate, enabled)
        .map_err(|_| Failure::incomplete(Peer::CloudFront, ACTION, "input"))?;
    let call = check.cloudfront.client().create_distribution_with_tags();
    let id = match call.distribution_config_with_tags(input).send().await {
        Ok(answer) => answer.distribution.map(|made| made.id),
        Err(error) => match Failure::new(Peer::CloudFront, ACTION, &error) {
            failure if failure.code() == "DistributionAlreadyExists" => None,
            failure => return Ok(Err(failure)),
        },
    };
    let id = match id {
        Some(id) => id,
        None => find(check, reference).await?.ok_or_else(|| {
            Ended::Unfit("CloudFront says that the distribution exists, and does not list it".to_owned())
        })?,
    };
    check.made(reference, &id)?;
    Ok(Ok(()))
}

/// The id of the distribution with this reference, found by its comment: the list doesn't contain references.
pub(super) async fn find(check: &Check, reference: &str) -> Result<Option<String>, Failure> {
    let comment = comment(reference);
    let mut all = check.cloudfront.list().await?.into_iter();
    Ok(all.find(|listed| listed.comment == comment).map(|listed| listed.id))
}

/// Unlike the beginning of an instance's comment: a broker in the same account would take it for its own.
fn comment(reference: &str) -> String {
    format!("live check: {reference}")
}

fn with_tags(
    check: &Check,
    reference: &str,
    certificate: Option<&str>,
    enabled: bool,
) -> Result<DistributionConfigWithTags, BuildError> {
    let mut config = DistributionConfig::builder()
        .caller_reference(reference)
        .comment(comment(reference))
        .enabled(enabled)
        .price_class(PriceClass::PriceClass100)
        .viewer_certificate(
            ViewerCertificate::builder()
                .cloud_front_default_certificate(true)
                .build(),
        )
        .origins(
            Origins::builder()
                .quantity(1)
                .items(origin(&check.args.origin)?)
                .build()?,
        )
        .default_cache_behavior(
            DefaultCacheBehavior::builder()
                .target_origin_id(ORIGIN)
                .viewer_protocol_policy(ViewerProtocolPolicy::RedirectToHttps)
                .cache_policy_id(CACHING_DISABLED.id)
                .build()?,
        )
        .build()?;
    if let Some(id) = certificate {
        put_certificate(&mut config, &check.state.domain, id)?;
    }
    Ok(DistributionConfigWithTags::builder()
        .distribution_config(config)
        .tags(distribution_tags(INSTANCE, INSTANCE, &check.state.run)?)
        .build())
}

/// Sets the alias and the certificate, as the services do.
pub(super) fn put_certificate(config: &mut DistributionConfig, domain: &str, iam_id: &str) -> Result<(), BuildError> {
    let settings = ViewerSettings {
        minimum_tls_version: MinimumProtocolVersion::TlSv122021,
        visible_within: VISIBLE_WITHIN,
    };
    let viewer = Viewer {
        domains: vec![domain.to_owned()],
        stored: Uuid::nil(),
        certificate: CloudFrontCertificate::Iam(iam_id.to_owned()),
        name: String::new(),
        uploaded_ago: None,
        settings: &settings,
    };
    viewer.put_into(config)
}

fn origin(host: &str) -> Result<Origin, BuildError> {
    let tls = OriginSslProtocols::builder().quantity(1).items(SslProtocol::TlSv12);
    let custom = CustomOriginConfig::builder()
        .http_port(80)
        .https_port(443)
        .origin_protocol_policy(OriginProtocolPolicy::HttpsOnly)
        .origin_ssl_protocols(tls.build()?)
        .build()?;
    Origin::builder()
        .id(ORIGIN)
        .domain_name(host)
        .origin_path("")
        .custom_origin_config(custom)
        .build()
}
