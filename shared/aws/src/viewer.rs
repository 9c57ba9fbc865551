//! Aliases and certificate of a distribution: pure, so that every rule can be tested as a table.

use std::time::Duration;

use aws_sdk_cloudfront::error::BuildError;
use aws_sdk_cloudfront::types::{Aliases, DistributionConfig, MinimumProtocolVersion, SslSupportMethod};
use pipeline::Outcome;
use pipeline::reason::{AwsReason, INTERNAL};
use uuid::Uuid;

use crate::certificate::CloudFrontCertificate;
use crate::failure::Failure;

/// Which TLS browsers may speak.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "CloudFront")]
pub struct ViewerArgs {
    /// The oldest TLS version for browsers: a "security policy" of CloudFront's developer guide.
    #[arg(long, env, default_value = "TLSv1.2_2021",
        value_parser = ["TLSv1.2_2018", "TLSv1.2_2019", "TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"])]
    minimum_tls_version: String,
    /// How long after its upload a certificate may be invisible to CloudFront; after that it is given up, and another one
    /// is ordered.
    #[arg(long, env, default_value = "15m", value_parser = humantime::parse_duration)]
    certificate_visible_within: Duration,
}

/// The operator's settings for every viewer.
#[derive(Debug, Clone)]
pub struct ViewerSettings {
    /// Oldest TLS.
    pub minimum_tls_version: MinimumProtocolVersion,
    /// How long after its upload a certificate may be invisible to CloudFront.
    pub visible_within: Duration,
}

impl ViewerArgs {
    /// In CloudFront's terms.
    pub fn settings(&self) -> ViewerSettings {
        ViewerSettings {
            minimum_tls_version: self.minimum_tls_version.as_str().into(),
            visible_within: self.certificate_visible_within,
        }
    }
}

/// What browsers are to be served.
#[derive(Debug, Clone)]
pub struct Viewer<'a> {
    /// The aliases, sorted.
    pub domains: Vec<String>,
    /// The certificate's id in our database.
    pub stored: Uuid,
    /// How CloudFront's configuration refers to it.
    pub certificate: CloudFrontCertificate,
    /// Its name in its store.
    pub name: String,
    /// How long ago it was uploaded, if that was recorded.
    pub uploaded_ago: Option<Duration>,
    /// Oldest TLS, and how long a certificate may be invisible.
    pub settings: &'a ViewerSettings,
}

impl Viewer<'_> {
    /// Whether the distribution is configured so already.
    pub fn is_in(&self, config: &DistributionConfig) -> bool {
        let mut aliases: Vec<String> = config
            .aliases
            .as_ref()
            .map(|aliases| aliases.items().to_vec())
            .unwrap_or_default();
        aliases.sort();
        aliases == self.domains
            && config.viewer_certificate.as_ref().is_some_and(|there| {
                CloudFrontCertificate::of(there).as_ref() == Some(&self.certificate)
                    && there.ssl_support_method == Some(SslSupportMethod::SniOnly)
                    && there.minimum_protocol_version.as_ref() == Some(&self.settings.minimum_tls_version)
            })
    }

    /// Changes both together and nothing else, unless they are already set: an alias must be covered by the certificate
    /// at every moment (docs/aws-rules.md, rule 3). The deprecated `Certificate` and `CertificateSource` that were read
    /// are left out: they would contradict the new id (rule 8).
    pub fn put_into(&self, config: &mut DistributionConfig) -> Result<(), BuildError> {
        if self.is_in(config) {
            return Ok(());
        }
        config.aliases = Some(
            Aliases::builder()
                .quantity(i32::try_from(self.domains.len()).unwrap_or(i32::MAX))
                .set_items(Some(self.domains.clone()))
                .build()?,
        );
        config.viewer_certificate = Some(
            self.certificate
                .member()
                .ssl_support_method(SslSupportMethod::SniOnly)
                .minimum_protocol_version(self.settings.minimum_tls_version.clone())
                .build(),
        );
        Ok(())
    }

    /// The meaning of a refused write. The distribution, if it existed before, and the certificate stay behind.
    pub fn refused(&self, failure: &Failure, distribution: Option<&str>) -> Outcome {
        let message = failure.message();
        match failure.code() {
            // The owner can fix this one; the words are CloudFront's (terraform-provider-aws issue 8734).
            "CNAMEAlreadyExists" if message.contains("incorrectly configured DNS record") => {
                let domains = self.named_in(message);
                Outcome::pending(AwsReason::DnsElsewhere { domains })
            }
            "CNAMEAlreadyExists" => failure.failed(format!(
                "{} belongs to another CloudFront distribution, outside of this broker: remove the alias there, or ask \
                 AWS support to. (Here it was for {}certificate {}.)",
                self.named_in(message),
                distribution.map_or_else(String::new, |id| format!("distribution {id} and ")),
                self.name
            )),
            "TooManyDistributionCNAMEs" => failure.failed(format!(
                "CloudFront doesn't accept {} domains on one distribution: spread them over several services, or ask the \
                 broker's operator to have the quota raised",
                self.domains.len()
            )),
            "InvalidViewerCertificate" if is_unseen(message) && self.is_new() => {
                Outcome::pending(AwsReason::CertificateUnseen)
            }
            "InvalidViewerCertificate" if is_unseen(message) => failure
                .failed(
                    "CloudFront does not accept the certificate: it does not see it, or finds it or its chain invalid; the \
                     broker's operator finds the reason in its log",
                )
                .for_the_certificate(),
            "InvalidViewerCertificate" => failure
                .failed(
                    "CloudFront doesn't accept the certificate for these domains; the broker's operator finds the reason \
                     in its log",
                )
                .for_the_certificate(),
            "NoSuchDistribution" => gone(distribution.unwrap_or("none"), failure.to_string()),
            _ => failure.outcome(),
        }
    }

    /// Whether the certificate may still be invisible to CloudFront.
    fn is_new(&self) -> bool {
        self.uploaded_ago.is_none_or(|ago| ago < self.settings.visible_within)
    }

    /// The domains that the message names; all of them when it names none.
    fn named_in(&self, message: &str) -> String {
        let words: Vec<&str> = message
            .split(|c: char| !(c.is_ascii_alphanumeric() || "-._*".contains(c)))
            .map(|word| word.trim_matches('.'))
            .collect();
        let named: Vec<&str> = self
            .domains
            .iter()
            .map(String::as_str)
            .filter(|domain| words.iter().any(|word| word.eq_ignore_ascii_case(domain)))
            .collect();
        match (named.as_slice(), self.domains.as_slice()) {
            ([], [only]) => only.clone(),
            ([], all) => format!("one of {}", all.join(", ")),
            (named, _) => named.join(", "),
        }
    }
}

/// A certificate just uploaded, or one that CloudFront will never accept: both have these messages (docs/aws-rules.md,
/// rule 7; terraform-provider-aws issue 4698), so the time since the upload distinguishes them.
fn is_unseen(message: &str) -> bool {
    message.contains("doesn't exist") || message.contains("us-east-1")
}

/// The plan's promises don't hold: an internal error, which waiting doesn't fix.
pub fn broken(cause: impl Into<String>) -> Outcome {
    Outcome::failed(INTERNAL, cause)
}

/// The distribution was removed by somebody else.
pub fn gone(id: &str, cause: impl Into<String>) -> Outcome {
    Outcome::failed(
        format!("the CloudFront distribution {id} is gone, though not by this broker: only a new service fixes that"),
        cause,
    )
}

#[cfg(test)]
mod tests;
