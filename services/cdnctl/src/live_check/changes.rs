//! Changes to the distribution that CloudFront may refuse.

use aws::{Failure, Peer};
use aws_sdk_cloudfront::error::BuildError;
use aws_sdk_cloudfront::types::{DistributionConfig, HttpVersion};
use tokio::time::Instant;

use super::beliefs::{P256, TWO_CHANGES, VISIBLE, Verdict, WEB_ACL};
use super::check::{Check, refusal, span};
use super::deployment;
use super::distribution::{is_unseen, put_certificate, visible_within};
use super::ended::Ended;
use super::state::KeyKind;

/// Attaches the P-256 certificate, and immediately the RSA certificate again.
pub(super) async fn two_certificates(check: &mut Check) -> Result<String, Ended> {
    let id_of = |kind| check.state.id(&check.state.certificate(kind));
    let (Some(rsa), Some(p256)) = (id_of(KeyKind::Rsa2048), id_of(KeyKind::P256)) else {
        return Ok("left out: there are no two certificates".to_owned());
    };
    if !check.state.has_alias {
        return Ok("left out: CloudFront did not accept the CA's certificate".to_owned());
    }
    let distribution = deployment::distribution(check)?;
    if let Err(said) = attach_p256(check, &distribution, &p256).await? {
        check.see(P256, Verdict::Refuted, &said);
        return Ok(format!("P-256: {said}"));
    }
    check.see(P256, Verdict::Confirmed, "attached to a distribution");
    let begun = Instant::now();
    let told = match attach(check, &distribution, &rsa).await {
        Ok(()) => {
            let told = format!("the second was accepted after {}", span(begun.elapsed()));
            check.see(TWO_CHANGES, Verdict::Confirmed, &told);
            told
        }
        Err(failure) => {
            let said = refusal(failure)?;
            check.see(TWO_CHANGES, Verdict::Refuted, &said);
            format!("the second was refused: {said}")
        }
    };
    deployment::wait(check, &distribution, "a certificate change").await?;
    Ok(told)
}

/// Retries until CloudFront sees the certificate.
async fn attach_p256(check: &mut Check, distribution: &str, id: &str) -> Result<Result<(), String>, Ended> {
    let begun = Instant::now();
    loop {
        let failure = match attach(check, distribution, id).await {
            Ok(()) => {
                check.see(VISIBLE, Verdict::Confirmed, format!("P-256: {}", span(begun.elapsed())));
                return Ok(Ok(()));
            }
            Err(failure) => failure,
        };
        let is_unseen_yet = is_unseen(&failure) && begun.elapsed() < visible_within(check);
        if !is_unseen_yet && !failure.is_race() {
            return Ok(Err(refusal(failure)?));
        }
        check.stop.pause(check.args.every.into()).await?;
    }
}

async fn attach(check: &Check, distribution: &str, certificate: &str) -> Result<(), Failure> {
    let domain = &check.state.domain;
    change(check, distribution, |config| {
        put_certificate(config, domain, certificate)
    })
    .await
}

/// Reads, changes and writes, as the services do: members that the SDK does not know are sent back as well.
pub(super) async fn change(
    check: &Check,
    id: &str,
    how: impl FnOnce(&mut DistributionConfig) -> Result<(), BuildError>,
) -> Result<(), Failure> {
    const ACTION: &str = "UpdateDistribution";
    let unfit = |what| Failure::incomplete(Peer::CloudFront, ACTION, what);
    let mut read = check
        .cloudfront
        .config(id)
        .await?
        .ok_or_else(|| unfit("distribution"))?;
    how(&mut read.config).map_err(|_| unfit("input"))?;
    check.cloudfront.write(id, read).await
}

/// Attaches the web ACL, changes something else, and detaches it.
pub(super) async fn web_acl(check: &mut Check) -> Result<String, Ended> {
    let Some(arn) = check.args.web_acl.clone() else {
        return Ok("left out: no --web-acl".to_owned());
    };
    let id = deployment::distribution(check)?;
    let acl = |arn: String| {
        move |config: &mut DistributionConfig| {
            config.web_acl_id = Some(arn);
            Ok(())
        }
    };
    let done = async {
        change(check, &id, acl(arn)).await?;
        let beside = |config: &mut DistributionConfig| {
            config.http_version = Some(HttpVersion::Http2and3);
            Ok(())
        };
        change(check, &id, beside).await?;
        change(check, &id, acl(String::new())).await
    };
    let told = match done.await {
        Ok(()) => {
            check.see(WEB_ACL, Verdict::Confirmed, "put on, something else changed, taken off");
            "put on, something else changed, taken off".to_owned()
        }
        Err(failure) => {
            let said = refusal(failure)?;
            check.see(WEB_ACL, Verdict::Refuted, &said);
            said
        }
    };
    deployment::wait(check, &id, "a change with a web ACL").await?;
    Ok(told)
}
