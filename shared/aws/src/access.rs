//! Problems with the access to AWS and their remedies: the same words in the log, when a step meets one, and from the
//! doctor. Pure.

use crate::failure::{Failure, Reason};
use crate::log_bucket::names_log_bucket;
use crate::triage::is_about_account;

/// The remedy for a setting that was made on a distribution by hand and that AWS refuses.
pub(crate) const SET_BY_HAND: &str = "for a web ACL that can't be read, allow wafv2:GetWebACL (waf:GetWebACL for a classic one) in the \
     policy of this access key's user or role, as docs/aws/*-policy.json does; else fix it on the distribution, or \
     remove it";

/// Why AWS denies access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessTrouble {
    /// The problem.
    pub what: String,
    /// The remedy.
    pub to_do: &'static str,
    /// Whether AWS knows the caller, and only denies this one action.
    pub known: bool,
    /// Whether the clocks differ: the AWS SDK signs its next call with AWS' own time.
    pub clock: bool,
}

impl AccessTrouble {
    /// What a failure says about the access; `None` when it says nothing about it.
    ///
    /// Codes: CloudFront and IAM API references, "Common Errors"; the messages that distinguish a clock or a region
    /// problem from a wrong secret, which have the same code: AWS General Reference, "Troubleshoot Signature Version
    /// 4".
    pub fn of(failure: &Failure) -> Option<Self> {
        let (code, message) = match &failure.reason {
            Reason::NoCredentials(_) => return Some(Self::none()),
            Reason::Refused { code, message, .. } => (code.as_str(), message.as_str()),
            Reason::NoAnswer(_) | Reason::Incomplete(_) | Reason::Raced => return None,
        };
        let trouble = |what: String, to_do| Self {
            what: format!("{what} ({code})"),
            to_do,
            known: denies_one_action(code),
            clock: false,
        };
        Some(match code {
            "RequestExpired" | "RequestTimeTooSkewed" => Self::clock(code),
            _ if is_about_time(message) => Self::clock(code),
            "InvalidClientTokenId" | "UnrecognizedClientException" | "InvalidAccessKeyId" => trouble(
                "the access key is not known to AWS".into(),
                "set AWS_ACCESS_KEY_ID to an active key of the right account, with its AWS_SECRET_ACCESS_KEY, and with \
                 AWS_SESSION_TOKEN when the key is a temporary one (ASIA…)",
            ),
            "SignatureDoesNotMatch" if message.contains("scoped to") => trouble(
                "AWS accepts no signatures for this region".into(),
                "set AWS_REGION to us-east-1, or leave it unset",
            ),
            "SignatureDoesNotMatch" | "InvalidSignatureException" | "IncompleteSignature" | "AuthFailure" => trouble(
                "the secret is not that of the access key".into(),
                "set AWS_SECRET_ACCESS_KEY to the one that came with AWS_ACCESS_KEY_ID",
            ),
            "ExpiredToken" | "ExpiredTokenException" => trouble(
                "the temporary credentials have expired".into(),
                "set new ones (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN), or use a role",
            ),
            "MissingAuthenticationToken" => Self::none(),
            "OptInRequired" => trouble(
                "the AWS account is not signed up for the service".into(),
                "finish its sign-up in the AWS console",
            ),
            "AccessDenied" if names_log_bucket(message) => trouble(
                "AWS does not allow s3:GetBucketAcl and s3:PutBucketAcl on the log bucket of a plan".into(),
                "allow both in the policy of this access key's user or role (docs/aws/*-policy.json), for the bucket \
                 that AWS names; it must not be in an opt-in region",
            ),
            "AccessDenied" | "AccessDeniedException" if is_about_account(message) => Self {
                what: format!("AWS has not cleared this account ({code}): {message}"),
                to_do: "open a case with AWS Support (Account and billing) and quote AWS' message; no policy fixes \
                        this",
                known: true,
                clock: false,
            },
            _ if denies_one_action(code) => trouble(
                format!("AWS does not allow {}", denied(failure)),
                "allow it in the policy of this access key's user or role: docs/aws/*-policy.json is what is needed",
            ),
            _ => return None,
        })
    }

    fn none() -> Self {
        Self {
            what: "there are no AWS credentials".into(),
            to_do: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the process a role",
            known: false,
            clock: false,
        }
    }

    fn clock(code: &str) -> Self {
        Self {
            what: format!("the clock of this machine is minutes off, says AWS ({code})"),
            to_do: "set it (NTP)",
            known: false,
            clock: true,
        }
    }
}

/// AWS knows the caller, and denies this one action.
fn denies_one_action(code: &str) -> bool {
    matches!(code, "AccessDenied" | "AccessDeniedException" | "NotAuthorized")
}

fn is_about_time(message: &str) -> bool {
    message.contains("Signature expired") || message.contains("Signature not yet current")
}

/// The action that AWS names, which may differ from the one that was called (tags); else the one that was called.
pub(crate) fn denied(failure: &Failure) -> String {
    let named = failure
        .message()
        .split_once("not authorized to perform: ")
        .map(|(_, rest)| rest);
    let action: String = named
        .unwrap_or_default()
        .chars()
        .take_while(|&c| c.is_ascii_alphanumeric() || c == ':')
        .collect();
    match action.split_once(':') {
        Some((service, name)) if !service.is_empty() && !name.is_empty() => action,
        _ => failure.permission(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Peer;

    fn refused(code: &str, message: &str) -> Failure {
        Failure {
            peer: Peer::Iam,
            action: "UploadServerCertificate",
            reason: Reason::Refused {
                status: 403,
                code: code.into(),
                message: message.into(),
            },
        }
    }

    fn line(failure: &Failure) -> String {
        let trouble = AccessTrouble::of(failure).unwrap();
        format!("{}: {}", trouble.what, trouble.to_do)
    }

    #[test]
    fn what_is_wrong_is_told_with_the_variable_to_set() {
        let table = [
            ("InvalidClientTokenId", "invalid.", "AWS_ACCESS_KEY_ID"),
            ("SignatureDoesNotMatch", "Check your key.", "AWS_SECRET_ACCESS_KEY"),
            (
                "SignatureDoesNotMatch",
                "Credential should be scoped to a valid region, not 'eu-west-1'.",
                "AWS_REGION",
            ),
            (
                "SignatureDoesNotMatch",
                "Signature expired: 20260101T000000Z is now earlier than …",
                "NTP",
            ),
            ("RequestTimeTooSkewed", "", "NTP"),
            ("ExpiredToken", "expired", "AWS_SESSION_TOKEN"),
            ("MissingAuthenticationToken", "", "no AWS credentials"),
            ("AccessDenied", "", "iam:UploadServerCertificate"),
            (
                "AccessDenied",
                "Your account must be verified before you can add new CloudFront resources. To verify your account, please …",
                "AWS Support",
            ),
            (
                "AccessDenied",
                "You don't have permission to access the S3 bucket for CloudFront logs: a.s3.amazonaws.com …",
                "s3:PutBucketAcl",
            ),
            (
                "AccessDenied",
                "User: arn:aws:iam::123456789012:user/x is not authorized to perform: iam:TagServerCertificate on resource: …",
                "iam:TagServerCertificate",
            ),
        ];
        for (code, message, words) in table {
            let line = line(&refused(code, message));
            assert!(line.contains(words), "{line}");
        }
        assert_eq!(AccessTrouble::of(&refused("NoSuchEntity", "")), None);
    }

    #[test]
    fn all_that_is_classed_as_credentials_has_its_words() {
        for code in crate::codes::CREDENTIALS {
            assert!(AccessTrouble::of(&refused(code, "")).is_some(), "{code}");
        }
    }
}
