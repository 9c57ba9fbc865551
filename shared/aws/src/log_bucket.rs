//! CloudFront's refusals of the destination of access logs. CloudFront has no error code of its own for them, only
//! messages; all of them were seen in public reports: terraform issues 9176 and 24962, aws-cdk issues 10923 and 33297,
//! baseline-environment-on-aws issue 363.

use crate::failure::Reason;

/// The operator's remedy.
pub(crate) const TO_DO: &str = "make it as docs/aws/cdn-broker.yaml does (it exists, has ACLs enabled and is in a region that is no \
     opt-in one): what waits then continues. If the plan's access_logs.bucket is wrong, fix the catalog \
     (docs/operations.md, Access logs)";

/// Whether the response is about the log bucket itself. A bucket whose ACL may not be read or written is an
/// [`AccessTrouble`](crate::AccessTrouble).
pub(crate) fn refuses_log_bucket(reason: &Reason) -> bool {
    match reason {
        Reason::Refused { code, message, .. } => code == "InvalidArgument" && names_log_bucket(message),
        _ => false,
    }
}

/// "The S3 bucket that you specified for CloudFront logs …", "The parameter Logging Bucket …", "… to access the S3 bucket for
/// CloudFront logs: …".
pub(crate) fn names_log_bucket(message: &str) -> bool {
    message.contains("for CloudFront logs") || message.contains("parameter Logging Bucket")
}

#[cfg(test)]
mod tests {
    use super::*;
    use pipeline::reason::AwsReason;

    use crate::failure::{Failure, Peer};
    use crate::triage::triage;
    use pipeline::Outcome;

    fn refused(code: &str, message: &str) -> Failure {
        Failure {
            peer: Peer::CloudFront,
            action: "UpdateDistribution",
            reason: Reason::Refused {
                status: 400,
                code: code.into(),
                message: message.into(),
            },
        }
    }

    #[test]
    fn the_operator_is_waited_for_and_the_user_reads_no_bucket() {
        for message in [
            "The S3 bucket that you specified for CloudFront logs doesn't exist: a.s3.amazonaws.com",
            "The S3 bucket that you specified for CloudFront logs does not enable ACL access: a.s3.amazonaws.com",
            "The parameter Logging Bucket does not refer to a valid S3 bucket.",
            "The parameter Logging Bucket is invalid. The bucket is in a Region that you cannot send logs to with this \
             distribution.",
        ] {
            let failure = refused("InvalidArgument", message);
            assert!(failure.refuses_log_bucket(), "{message}");
            assert_eq!(triage(&failure), Outcome::pending(AwsReason::LogBucket), "{message}");
        }
    }

    #[test]
    fn other_arguments_and_other_codes_are_judged_as_ever() {
        let origin = "The parameter Origin DomainName does not refer to a valid S3 bucket.";
        assert!(!refused("InvalidArgument", origin).refuses_log_bucket());
        assert!(!refused("AccessDenied", "… the S3 bucket for CloudFront logs: a").refuses_log_bucket());
    }
}
