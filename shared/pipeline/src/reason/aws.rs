//! How AWS keeps a step from being done.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::domain::without_wildcard;
use crate::status::moment;

/// The AWS service that was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Peer {
    /// CloudFront.
    #[serde(rename = "cloudfront")]
    CloudFront,
    /// IAM.
    Iam,
    /// Route 53.
    Route53,
}

impl Peer {
    /// An action as policies name it, such as `cloudfront:GetDistribution`.
    pub fn permission(self, action: &str) -> String {
        let service = match self {
            Self::CloudFront => "cloudfront",
            Self::Iam => "iam",
            Self::Route53 => "route53",
        };
        format!("{service}:{action}")
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CloudFront => "CloudFront",
            Self::Iam => "IAM",
            Self::Route53 => "Route 53",
        })
    }
}

/// AWS is the reason. `said` is its message, made harmless and short; `code` is its error code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "aws", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each text is its own documentation")]
pub enum AwsReason {
    SlowDown {
        peer: Peer,
    },
    Unavailable {
        peer: Peer,
    },
    /// A response that is not from AWS: from a proxy, or a wrong endpoint.
    Unreachable {
        peer: Peer,
    },
    NotAsked {
        peer: Peer,
    },
    /// Somebody else changed the resource since it was read.
    Raced {
        what: String,
    },
    /// CloudFront allows one change of the viewer certificate at a time.
    CertificateInProgress,
    Quota {
        code: String,
    },
    /// AWS doesn't know the caller or denies it access.
    Access,
    /// The account itself is not verified.
    Account {
        said: String,
    },
    /// The setting was made on the distribution by somebody else than this broker.
    SetByHand {
        code: String,
        said: String,
    },
    LogBucket,
    Deploying,
    /// CloudFront says that it was created, but doesn't list it.
    NotListed,
    CertificateUnseen,
    CertificateUnsettled,
    CertificateInUse,
    FunctionNotTaken,
    FunctionInUse,
    /// Waits to see whether a superseded worker has created anything else.
    NothingToCome {
        what: String,
    },
    DisabledAgain,
    NotDisabledEverywhere,
    /// The user's DNS points the domains to a distribution that is not this broker's.
    DnsElsewhere {
        domains: String,
    },
    /// CloudFront moves the alias once it finds a TXT record.
    AliasWantsTxt {
        domain: String,
        value: String,
    },
    /// The aliases move when the certificate is deployed.
    AliasesWait {
        domains: Vec<String>,
    },
    AliasOfRemoved {
        domain: String,
        /// Since when its instance is being removed.
        #[serde(with = "time::serde::rfc3339::option")]
        since: Option<OffsetDateTime>,
    },
}

impl AwsReason {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::SlowDown { .. } => "aws-slow-down",
            Self::Unavailable { .. } | Self::NotAsked { .. } => "aws-unavailable",
            Self::Unreachable { .. } => "aws-unreachable",
            Self::Raced { .. } => "aws-raced",
            Self::CertificateInProgress => "aws-certificate-in-progress",
            Self::Quota { .. } => "aws-quota",
            Self::Access => "aws-access",
            Self::Account { .. } => "aws-account",
            Self::SetByHand { .. } => "aws-set-by-hand",
            Self::LogBucket => "aws-log-bucket",
            Self::Deploying => "aws-deploying",
            Self::NotListed => "aws-not-listed",
            Self::CertificateUnseen => "aws-certificate-unseen",
            Self::CertificateUnsettled => "aws-certificate-unsettled",
            Self::CertificateInUse => "aws-certificate-in-use",
            Self::FunctionNotTaken => "aws-function-not-taken",
            Self::FunctionInUse => "aws-function-in-use",
            Self::NothingToCome { .. } => "aws-nothing-to-come",
            Self::DisabledAgain | Self::NotDisabledEverywhere => "aws-disabling",
            Self::DnsElsewhere { .. } => "aws-dns-elsewhere",
            Self::AliasWantsTxt { .. } => "aws-alias-wants-txt",
            Self::AliasesWait { .. } => "aws-aliases-wait",
            Self::AliasOfRemoved { .. } => "aws-alias-of-removed",
        }
    }

    pub(super) fn waits_for_user(&self) -> bool {
        matches!(self, Self::DnsElsewhere { .. } | Self::AliasWantsTxt { .. })
    }
}

impl fmt::Display for AwsReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SlowDown { peer } => write!(f, "{peer} asks to slow down"),
            Self::Unavailable { peer } => write!(f, "{peer} doesn't answer as it should"),
            Self::Unreachable { peer } => write!(f, "{peer} can't be reached"),
            Self::NotAsked { peer } => write!(f, "{peer} could not be asked"),
            Self::Raced { what } => write!(f, "the {what} was changed at the same moment"),
            Self::CertificateInProgress => f.write_str("CloudFront is still deploying the certificate before this one"),
            Self::Quota { code } => write!(
                f,
                "a quota of the broker's AWS account is reached ({code}): the broker's operator must have it raised"
            ),
            Self::Access => f.write_str("the broker's access to AWS is broken: its operator must fix it"),
            Self::Account { said } => write!(
                f,
                "AWS has not cleared the broker's AWS account: the broker's operator must ask AWS Support. AWS says: \"{said}\""
            ),
            Self::SetByHand { code, said } => write!(
                f,
                "CloudFront refuses something that was set on the distribution by hand ({code}): the broker's \
                 operator must fix it. CloudFront says: \"{said}\""
            ),
            Self::LogBucket => f.write_str(
                "the access logs of this plan can't be set up: the broker's operator must fix the plan or its log \
                 bucket",
            ),
            Self::Deploying => f.write_str("CloudFront is deploying"),
            Self::NotListed => {
                f.write_str("CloudFront says that the distribution was made before, but doesn't list it yet")
            }
            Self::CertificateUnseen => f.write_str("CloudFront doesn't see the uploaded certificate yet"),
            Self::CertificateUnsettled => f.write_str("IAM has not settled on whether the certificate exists"),
            Self::CertificateInUse => f.write_str("waiting until CloudFront no longer uses the certificate"),
            Self::FunctionNotTaken => f.write_str("CloudFront doesn't accept the function for redirect_to yet"),
            Self::FunctionInUse => f.write_str("waiting until CloudFront no longer uses the function"),
            Self::NothingToCome { what } => write!(f, "making sure that no {what} turns up any more"),
            Self::DisabledAgain => f.write_str("the distribution had to be disabled once more"),
            Self::NotDisabledEverywhere => f.write_str("CloudFront has not disabled the distribution everywhere yet"),
            Self::DnsElsewhere { domains } => write!(
                f,
                "the DNS of {domains} points to another CloudFront distribution; remove that record, and wait for its time to live"
            ),
            Self::AliasWantsTxt { domain, value } => write!(
                f,
                "CloudFront moves {domain} from its other distribution once it finds TXT _{} \"{value}\"",
                without_wildcard(domain)
            ),
            Self::AliasesWait { domains } => {
                let (moves, it) = if domains.len() == 1 {
                    ("moves", "it")
                } else {
                    ("move", "them")
                };
                let domains = domains.join(", ");
                write!(
                    f,
                    "CloudFront is deploying the certificate; then {domains} {moves} over from the service instance that had {it}"
                )
            }
            Self::AliasOfRemoved {
                domain,
                since: Some(since),
            } => write!(
                f,
                "{domain} is still with a service instance that is being removed since {}; this continues by itself \
                 when CloudFront has released the domain",
                moment(*since)
            ),
            Self::AliasOfRemoved { domain, since: None } => write!(
                f,
                "{domain} is still with a CloudFront distribution of a service that was removed; this continues by \
                 itself when that distribution is removed, too"
            ),
        }
    }
}
