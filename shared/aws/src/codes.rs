//! Every known AWS error code with its meaning. `errors.txt` lists those of the service models; each must be listed
//! here, so that none is classified by an accidental default.

use crate::triage::Class;

/// Throttling is reported as 400 without `Retry-After` (docs/aws-rules.md, rule 10); the names are the SDKs' common
/// list.
const THROTTLING: &[&str] = &[
    "BandwidthLimitExceeded",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

/// Includes a wrong clock: the signatures of both sides then differ.
pub(crate) const CREDENTIALS: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "NotAuthorized",
    "OptInRequired",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// Transient errors: two concurrent changes, a change that has not propagated yet, problems of the service itself.
const PASSING: &[&str] = &[
    "ConcurrentModification",
    "DeleteConflict",
    "DistributionNotDisabled",
    "EntityTemporarilyUnmodifiable",
    "FunctionInUse",
    "InternalFailure",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceFailure",
    "ServiceUnavailable",
];

/// Settings that this broker never makes, so somebody else who may change the distribution has made them: its operator.
const SET_BY_HAND: &[&str] = &[
    "ContinuousDeploymentPolicyInUse",
    "EntityNotFound",
    "IllegalFieldLevelEncryptionConfigAssociationWithCacheBehavior",
    "IllegalOriginAccessConfiguration",
    "InvalidDefaultRootObject",
    "InvalidDomainNameForOriginAccessControl",
    "InvalidFunctionAssociation",
    "InvalidGeoRestrictionParameter",
    "InvalidLambdaFunctionAssociation",
    "InvalidLocationCode",
    "InvalidOriginAccessControl",
    "InvalidOriginAccessIdentity",
    "InvalidRequiredProtocol",
    "InvalidWebACLId",
    "NoSuchContinuousDeploymentPolicy",
    "NoSuchFieldLevelEncryptionConfig",
    "NoSuchRealtimeLogConfig",
    "RealtimeLogConfigOwnerMismatch",
    "ResourceInUse",
    "StagingDistributionInUse",
    "TrustedKeyGroupDoesNotExist",
    "TrustedSignerDoesNotExist",
];

/// Errors that a later attempt does not fix: a mistake of the broker, or a value of the user's. Handlers treat some of
/// them as success.
const REFUSALS: &[&str] = &[
    "CNAMEAlreadyExists",
    "DistributionAlreadyExists",
    "EntityAlreadyExists",
    "FunctionAlreadyExists",
    "FunctionSizeLimitExceeded",
    "IllegalUpdate",
    "InconsistentQuantities",
    "InvalidArgument",
    "InvalidErrorCode",
    "InvalidForwardCookies",
    "InvalidHeadersForS3Origin",
    "InvalidIfMatchVersion",
    "InvalidInput",
    "InvalidMinimumProtocolVersion",
    "InvalidOrigin",
    "InvalidOriginKeepaliveTimeout",
    "InvalidOriginReadTimeout",
    "InvalidProtocolSettings",
    "InvalidQueryStringParameters",
    "InvalidRelativePath",
    "InvalidResponseCode",
    "InvalidTTLOrder",
    "InvalidTagging",
    "InvalidViewerCertificate",
    "KeyPairMismatch",
    "MalformedCertificate",
    "MalformedXML",
    "MissingBody",
    "NoSuchCachePolicy",
    "NoSuchDistribution",
    "NoSuchEntity",
    "NoSuchFunctionExists",
    "NoSuchOrigin",
    "NoSuchOriginRequestPolicy",
    "NoSuchResource",
    "NoSuchResponseHeadersPolicy",
    "PreconditionFailed",
    "UnsupportedOperation",
];

/// The meaning of the code alone; `None` for one that no service model has.
pub(crate) fn meaning(code: &str) -> Option<Class> {
    let table = [
        (THROTTLING, Class::SlowDown),
        (PASSING, Class::Unavailable),
        (CREDENTIALS, Class::Credentials),
        (SET_BY_HAND, Class::SetByHand),
        (REFUSALS, Class::Refusal),
    ];
    match table.iter().find(|(codes, _)| codes.contains(&code)) {
        Some((_, class)) => Some(*class),
        None => is_quota(code).then_some(Class::Quota),
    }
}

fn is_quota(code: &str) -> bool {
    code.starts_with("TooMany")
        || code.starts_with("LimitExceeded")
        || code.ends_with("QuotaExceeded")
        || code == "EntityLimitExceeded"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From botocore, for every operation that is called; `.ci/aws` compares the file with botocore.
    const MODELLED: &str = include_str!("errors.txt");

    fn modelled() -> impl Iterator<Item = (&'static str, u16)> {
        let lines = MODELLED
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty());
        lines.map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            (words[2], words[3].parse().unwrap())
        })
    }

    #[test]
    fn every_error_of_every_operation_has_its_meaning() {
        assert!(modelled().count() > 100);
        let undecided: Vec<_> = modelled().filter(|(code, _)| meaning(code).is_none()).collect();
        assert!(undecided.is_empty(), "{undecided:?}");
        assert_eq!(meaning("NobodyKnowsThis"), None);
    }

    #[test]
    fn every_quota_of_the_models_is_a_quota() {
        for (code, _) in modelled().filter(|(code, _)| code.starts_with("TooMany") || code.contains("LimitExceeded")) {
            let expected = match code {
                // The function's code is too long: not a quota that could be raised.
                "FunctionSizeLimitExceeded" => Class::Refusal,
                _ => Class::Quota,
            };
            assert_eq!(meaning(code), Some(expected), "{code}");
        }
    }

    #[test]
    fn what_the_server_is_to_blame_for_passes() {
        for (code, _) in modelled().filter(|(_, status)| *status >= 500) {
            assert_eq!(meaning(code), Some(Class::Unavailable), "{code}");
        }
    }

    #[test]
    fn no_code_has_two_meanings() {
        let all: Vec<&str> = [THROTTLING, PASSING, CREDENTIALS, SET_BY_HAND, REFUSALS].concat();
        for (at, code) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(code), "{code}");
        }
    }
}
