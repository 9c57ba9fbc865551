//! The triage: what an answer of AWS means for a step. Pure; conflicts that a handler adopts never come here.

use pipeline::Outcome;

use crate::access::FOR_USER;
use crate::failure::{Failure, Reason};
use crate::log_bucket::{self, refuses_log_bucket};

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Too many calls.
    SlowDown,
    /// No answer, or one that says "later".
    Unavailable,
    /// The account may have no more of something.
    Quota,
    /// AWS doesn't know, or doesn't allow, whoever asks.
    Credentials,
    /// Access logs can't go where the plan says.
    LogBucket,
    /// A client error without an AWS code: a proxy, or a wrong endpoint.
    Stranger,
    /// Any other client error.
    Refusal,
}

/// Throttling comes as 400 without `Retry-After` (docs/aws-rules.md, rule 10); the names are the SDKs' common list.
const THROTTLING: [&str; 10] = [
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

/// Also a clock that is wrong: both sides' signatures then differ.
pub(crate) const CREDENTIALS: [&str; 16] = [
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

/// Client errors that pass: two changes at once, or a change that is not everywhere yet (IAM service model).
const PASSING: [&str; 4] = [
    "ConcurrentModification",
    "EntityTemporarilyUnmodifiable",
    "RequestTimeout",
    "RequestTimeoutException",
];

pub(crate) fn classify(reason: &Reason) -> Class {
    let (status, code) = match reason {
        Reason::NoAnswer(_) | Reason::Incomplete(_) => return Class::Unavailable,
        Reason::NoCredentials(_) => return Class::Credentials,
        Reason::Refused { status, code, .. } => (*status, code.as_str()),
    };
    if status == 429 || THROTTLING.contains(&code) {
        Class::SlowDown
    } else if status == 408 || status >= 500 || PASSING.contains(&code) {
        Class::Unavailable
    } else if CREDENTIALS.contains(&code) {
        Class::Credentials
    } else if code.starts_with("TooMany") || code.starts_with("LimitExceeded") || code.ends_with("QuotaExceeded") {
        Class::Quota
    } else if refuses_log_bucket(reason) {
        Class::LogBucket
    } else if code.is_empty() {
        Class::Stranger
    } else {
        Class::Refusal
    }
}

/// The outcome of a failed call. What the operator can mend is waited for: the step's deadline ends it.
pub fn triage(failure: &Failure) -> Outcome {
    let peer = failure.peer;
    match classify(&failure.reason) {
        Class::SlowDown => Outcome::pending(format!("{peer} asks to slow down")),
        Class::Unavailable => Outcome::pending(format!("{peer} doesn't answer as it should")),
        Class::Quota => Outcome::pending(format!(
            "a quota of the broker's AWS account is reached ({}): the broker's operator must have it raised",
            failure.code()
        )),
        Class::Credentials => Outcome::pending(FOR_USER),
        Class::LogBucket => Outcome::pending(log_bucket::FOR_USER),
        Class::Stranger => Outcome::pending(format!("{peer} can't be reached")),
        Class::Refusal => failure.failed(format!(
            "{peer} refuses what the broker asked for ({}); the broker's operator finds the reason in its log",
            failure.code()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Peer;

    fn refused(status: u16, code: &str) -> Reason {
        Reason::Refused {
            status,
            code: code.to_string(),
            message: "words".to_string(),
        }
    }

    #[test]
    fn every_answer_has_its_class() {
        let table = [
            (refused(400, "Throttling"), Class::SlowDown),
            (refused(400, "ThrottlingException"), Class::SlowDown),
            (refused(400, "TooManyRequestsException"), Class::SlowDown),
            (refused(503, "SlowDown"), Class::SlowDown),
            (refused(429, ""), Class::SlowDown),
            (refused(400, "RequestLimitExceeded"), Class::SlowDown),
            (refused(500, "InternalFailure"), Class::Unavailable),
            (refused(503, ""), Class::Unavailable),
            (refused(502, "AccessDenied"), Class::Unavailable),
            (refused(409, "ConcurrentModification"), Class::Unavailable),
            (Reason::NoAnswer("timeout".into()), Class::Unavailable),
            (Reason::Incomplete("ETag"), Class::Unavailable),
            (refused(400, "TooManyDistributions"), Class::Quota),
            (refused(400, "TooManyOrigins"), Class::Quota),
            (refused(409, "LimitExceeded"), Class::Quota),
            (refused(409, "LimitExceededException"), Class::Quota),
            (refused(403, "InvalidClientTokenId"), Class::Credentials),
            (refused(403, "SignatureDoesNotMatch"), Class::Credentials),
            (refused(403, "AccessDenied"), Class::Credentials),
            (refused(400, "ExpiredToken"), Class::Credentials),
            (Reason::NoCredentials("none found".into()), Class::Credentials),
            (refused(403, ""), Class::Stranger),
            (refused(404, "NoSuchOrigin"), Class::Refusal),
            (refused(400, "InvalidArgument"), Class::Refusal),
            (refused(409, "CNAMEAlreadyExists"), Class::Refusal),
        ];
        for (reason, class) in table {
            assert_eq!(classify(&reason), class, "{reason}");
        }
    }

    #[test]
    fn only_a_refusal_ends_the_operation_and_keeps_the_words_for_the_operator() {
        let failure = |reason| Failure {
            peer: Peer::CloudFront,
            action: "CreateDistribution",
            reason,
        };
        assert_eq!(
            triage(&failure(refused(400, "Throttling"))),
            Outcome::pending("CloudFront asks to slow down")
        );
        match triage(&failure(refused(403, "AccessDenied"))) {
            Outcome::Pending { waiting_for, .. } => {
                assert_eq!(waiting_for, FOR_USER)
            }
            other => panic!("{other:?}"),
        }
        match triage(&failure(refused(400, "InvalidArgument"))) {
            Outcome::Failed { for_user, cause, .. } => {
                assert!(!for_user.contains("words"), "{for_user}");
                assert_eq!(cause, "CloudFront CreateDistribution: InvalidArgument (400) words");
            }
            other => panic!("{other:?}"),
        }
    }
}
