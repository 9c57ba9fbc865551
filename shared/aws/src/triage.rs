//! The triage: what an AWS response means for a step. Pure; conflicts that a handler adopts never reach this code.

use std::time::Duration;

use pipeline::Outcome;
use pipeline::reason::AwsReason;

use crate::codes::meaning;
use crate::failure::{Failure, Reason};
use crate::log_bucket::refuses_log_bucket;

/// The kind of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Throttled: too many calls.
    SlowDown,
    /// No response, or one that says "later".
    Unavailable,
    /// Somebody else wrote since the configuration was read.
    Race,
    /// The previous certificate is still being deployed to the edges.
    InProgress,
    /// The account has reached a quota.
    Quota,
    /// AWS doesn't know the access key, or doesn't allow the call.
    Credentials,
    /// The account itself is not verified yet, or suspended. Only AWS Support fixes that.
    Account,
    /// A setting on the distribution that this broker never makes.
    SetByHand,
    /// Access logs can't be delivered to the plan's destination.
    LogBucket,
    /// A client error without an AWS code: a proxy, or a wrong endpoint.
    Stranger,
    /// Any other client error.
    Refusal,
}

/// Codes mean what `codes` says, except those that AWS uses for several errors: the message distinguishes these.
pub(crate) fn classify(reason: &Reason) -> Class {
    let (status, code, message) = match reason {
        Reason::NoAnswer(_) | Reason::Incomplete(_) => return Class::Unavailable,
        Reason::Raced => return Class::Race,
        Reason::NoCredentials(_) => return Class::Credentials,
        Reason::Refused { status, code, message } => (*status, code.as_str(), message.as_str()),
    };
    match meaning(code) {
        _ if status == 429 => Class::SlowDown,
        Some(Class::SlowDown) => Class::SlowDown,
        _ if status == 408 || status >= 500 => Class::Unavailable,
        _ if refuses_log_bucket(reason) => Class::LogBucket,
        Some(Class::Credentials) if is_about_account(message) => Class::Account,
        Some(Class::Refusal) if changes_certificate(code, message) => Class::InProgress,
        Some(class) => class,
        None if code.is_empty() => Class::Stranger,
        None => Class::Refusal,
    }
}

/// "Only one viewer certificate change may be in progress at a time." (terraform-provider-aws issue 679, certbot-s3front issue 34).
fn changes_certificate(code: &str, message: &str) -> bool {
    code == "IllegalUpdate" && message.contains("may be in progress at a time")
}

/// "Your account must be verified before you can add new CloudFront resources. To verify your account, please contact
/// AWS Support …", as every new account gets it (aws-cdk-examples issue 279). The message to a suspended account refers
/// to AWS Support as well.
pub(crate) fn is_about_account(message: &str) -> bool {
    message.contains("account must be verified")
        || message.contains("contact AWS Support")
        || message.contains("suspended")
}

/// The outcome of a failed call. A problem that the operator can fix is waited for: the step's deadline ends it.
pub fn triage(failure: &Failure) -> Outcome {
    let peer = failure.peer;
    let said = || failure.words();
    let code = || failure.code().to_owned();
    match classify(&failure.reason) {
        Class::SlowDown => Outcome::pending(AwsReason::SlowDown { peer }),
        Class::Unavailable => Outcome::pending(AwsReason::Unavailable { peer }),
        Class::Race => {
            let what = failure.subject().to_owned();
            Outcome::pending_for(AwsReason::Raced { what }, Some(Duration::from_secs(1)))
        }
        Class::InProgress => Outcome::pending(AwsReason::CertificateInProgress),
        Class::Quota => Outcome::pending(AwsReason::Quota { code: code() }),
        Class::Credentials => Outcome::pending(AwsReason::Access),
        Class::Account => Outcome::pending(AwsReason::Account { said: said() }),
        Class::SetByHand => Outcome::pending(AwsReason::SetByHand {
            code: code(),
            said: said(),
        }),
        Class::LogBucket => Outcome::pending(AwsReason::LogBucket),
        Class::Stranger => Outcome::pending(AwsReason::Unreachable { peer }),
        Class::Refusal => failure.failed(match failure.code() {
            // The version was right, so this is about something else that only the message tells.
            "PreconditionFailed" | "InvalidIfMatchVersion" => format!(
                "{peer} refuses to change the {}. It says: \"{}\". The broker's operator must fix that",
                failure.subject(),
                said()
            ),
            code => format!(
                "{peer} refuses what the broker asked for ({code}); the broker's operator finds the reason in its log"
            ),
        }),
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
            (refused(400, "EntityLimitExceeded"), Class::Quota),
            (refused(400, "InvalidWebACLId"), Class::SetByHand),
            (refused(401, "RealtimeLogConfigOwnerMismatch"), Class::SetByHand),
            (refused(412, "PreconditionFailed"), Class::Refusal),
            (refused(400, "NobodyKnowsThis"), Class::Refusal),
            (Reason::Raced, Class::Race),
        ];
        for (reason, class) in table {
            assert_eq!(classify(&reason), class, "{reason}");
        }
    }

    /// CloudFront's messages, as public reports quote them.
    #[test]
    fn aws_words_tell_apart_what_has_one_code() {
        let words = |code: &str, words: &str| Failure {
            peer: Peer::CloudFront,
            action: "UpdateDistribution",
            reason: Reason::Refused {
                status: 400,
                code: code.to_string(),
                message: words.to_string(),
            },
        };
        let table = [
            (
                "IllegalUpdate",
                "Only one viewer certificate change may be in progress at a time.",
                "pending",
                "still deploying the certificate",
            ),
            (
                "IllegalUpdate",
                "The caller reference can't be changed.",
                "failed",
                "IllegalUpdate",
            ),
            (
                "AccessDenied",
                "Your account must be verified before you can add new CloudFront resources. To verify your account, please contact AWS \
                 Support (https://console.aws.amazon.com/support/home#/) and include this error message.",
                "pending",
                "must ask AWS Support. AWS says: \"Your account must be verified",
            ),
            (
                "AccessDenied",
                "User: arn:… is not authorized to perform: cloudfront:UpdateDistribution",
                "pending",
                "access to AWS",
            ),
            (
                "InvalidWebACLId",
                "Unable to verify read permissions on Web ACL. Please retry the request.",
                "pending",
                "operator must fix it. CloudFront says: \"Unable to verify read permissions on Web ACL.",
            ),
            (
                "PreconditionFailed",
                "You can't delete this distribution while it's subscribed to a pricing plan.",
                "failed",
                "It says: \"You can't delete this distribution while it's subscribed to a pricing plan.\"",
            ),
        ];
        for (code, said, name, told) in table {
            let outcome = triage(&words(code, said));
            let text = match &outcome {
                Outcome::Pending { waiting_for, .. } => waiting_for.to_string(),
                Outcome::Failed { for_user, .. } => for_user.clone(),
                other => panic!("{other:?}"),
            };
            assert_eq!(outcome.name(), name, "{said}");
            assert!(text.contains(told), "{text}");
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
            Outcome::pending(AwsReason::SlowDown { peer: Peer::CloudFront })
        );
        assert_eq!(
            triage(&failure(refused(403, "AccessDenied"))),
            Outcome::pending(AwsReason::Access)
        );
        match triage(&failure(refused(400, "InvalidArgument"))) {
            Outcome::Failed { for_user, cause, .. } => {
                assert!(!for_user.contains("words"), "{for_user}");
                assert_eq!(cause, "CloudFront CreateDistribution: InvalidArgument (400) words");
            }
            other => panic!("{other:?}"),
        }
    }
}
