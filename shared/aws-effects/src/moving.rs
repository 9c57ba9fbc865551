//! Moves an alias from another distribution of ours to the one whose instance has proved the domain, without a moment
//! in which nothing serves it (CloudFront developer guide, "Move an alternate domain name": `AssociateAlias`, both in
//! one account).

use aws::{Failure, Viewer, gone};
use aws_sdk_cloudfront::types::DistributionConfig;
use pipeline::Outcome;
use pipeline::reason::AwsReason;
use store::{Elsewhere, Leftover};
use worker::Stop;

use crate::fenced::Fenced;

/// The aliases to be moved: those of `elsewhere` that the distribution does not have yet.
pub(crate) fn to_move(elsewhere: Vec<Elsewhere>, config: &DistributionConfig) -> Vec<Elsewhere> {
    let has = |domain: &str| {
        let mut aliases = config.aliases.iter().flat_map(|aliases| aliases.items());
        aliases.any(|alias| alias.eq_ignore_ascii_case(domain))
    };
    elsewhere.into_iter().filter(|alias| !has(&alias.domain)).collect()
}

/// The same certificate, without the aliases that are to be moved: an alias can be moved only to a distribution whose
/// certificate covers it.
#[must_use]
pub fn without<'a>(viewer: &Viewer<'a>, moving: &[Elsewhere]) -> Viewer<'a> {
    let mut rest = viewer.clone();
    rest.domains
        .retain(|domain| !moving.iter().any(|alias| &alias.domain == domain));
    rest
}

impl Fenced<'_> {
    /// Moves the aliases to the distribution, once its certificate is deployed everywhere.
    ///
    /// # Errors
    /// The task is no longer current, or the store fails.
    pub(crate) async fn move_aliases(&self, id: &str, moving: &[Elsewhere]) -> Result<Outcome, Stop> {
        let distribution = match self.cloudfront.distribution(id).await {
            Ok(Some(distribution)) => distribution,
            Ok(None) => return Ok(gone(id, "no distribution to move aliases to")),
            Err(failure) => return Ok(failure.outcome()),
        };
        if distribution.status != "Deployed" {
            let domains = moving.iter().map(|alias| alias.domain.clone()).collect();
            return Ok(Outcome::pending(AwsReason::AliasesWait { domains }));
        }
        for alias in moving {
            if let Err(error) = self.associate_alias(id, &alias.domain).await {
                return Ok(refused(&error.failure()?, alias, &distribution.domain_name));
            }
            tracing::info!(
                distribution = id,
                from = alias.distribution_id.as_deref(),
                domain = alias.domain,
                "moved an alias"
            );
        }
        Ok(Outcome::DONE)
    }
}

/// The meaning of a refused move. CloudFront requires a TXT record where it can't determine itself that the move is
/// wanted; where the other distribution is being removed, the alias becomes free without a move.
fn refused(failure: &Failure, alias: &Elsewhere, target: &str) -> Outcome {
    let domain = &alias.domain;
    match (failure.code(), alias.why) {
        ("IllegalUpdate", _) => Outcome::pending(AwsReason::AliasWantsTxt {
            domain: domain.clone(),
            value: target.to_owned(),
        }),
        (_, Leftover::BeingRemoved(since)) => {
            let _ = failure.outcome();
            Outcome::pending(AwsReason::AliasOfRemoved {
                domain: domain.clone(),
                since: Some(since),
            })
        }
        _ => failure.outcome(),
    }
}
