//! The certificate that a distribution is configured with.

use aws_sdk_cloudfront::types::ViewerCertificate;
use aws_sdk_cloudfront::types::builders::ViewerCertificateBuilder;
use serde::{Deserialize, Serialize};

/// A certificate as CloudFront's configuration refers to it: with one or the other member of `ViewerCertificate`
/// (service model), since CloudFront supports two stores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CloudFrontCertificate {
    /// `IAMCertificateId`.
    #[serde(rename = "iam_certificate_id")]
    Iam(String),
    /// `ACMCertificateArn`.
    #[serde(rename = "acm_certificate_arn")]
    Acm(String),
}

impl CloudFrontCertificate {
    /// The certificate of a configuration, if it has one.
    pub fn of(viewer: &ViewerCertificate) -> Option<Self> {
        let iam = viewer.iam_certificate_id.clone().map(Self::Iam);
        iam.or_else(|| viewer.acm_certificate_arn.clone().map(Self::Acm))
    }

    /// The id or the ARN.
    pub fn id(&self) -> &str {
        match self {
            Self::Iam(id) | Self::Acm(id) => id,
        }
    }

    /// The configuration member.
    pub(crate) fn member(&self) -> ViewerCertificateBuilder {
        let viewer = ViewerCertificate::builder();
        match self {
            Self::Iam(id) => viewer.iam_certificate_id(id),
            Self::Acm(arn) => viewer.acm_certificate_arn(arn),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cloudfront_is_told_is_recognised() {
        let arn = "arn:aws:acm:us-east-1:000000000000:certificate/1".to_owned();
        for one in [
            CloudFrontCertificate::Iam("ASCA1".into()),
            CloudFrontCertificate::Acm(arn),
        ] {
            let there = one.member().build();
            assert_eq!(CloudFrontCertificate::of(&there), Some(one));
        }
        assert_eq!(CloudFrontCertificate::of(&ViewerCertificate::builder().build()), None);
    }
}
