//! A failed call to AWS, reduced to what matters: peer, action and reason.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_sdk_cloudfront::config::http::HttpResponse;
use aws_sdk_cloudfront::error::{ProvideErrorMetadata, SdkError};
use pipeline::Outcome;
pub use pipeline::reason::Peer;
use pipeline::shown::harmless;
use telemetry::with_causes;

use crate::access::{self, AccessTrouble};
use crate::codes::meaning;
use crate::log_bucket::{self, refuses_log_bucket};
use crate::triage::{Class, classify, triage};
use crate::words::{shown, without_accounts};

/// The maximum length of a service's message that is kept.
const LONGEST_MESSAGE: usize = 400;

/// The maximum length of a text that is accepted as a code.
const LONGEST_CODE: usize = 100;

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{peer} {action}: {reason}")]
pub struct Failure {
    /// The service that was called.
    pub peer: Peer,
    /// The operation, by its AWS name.
    pub action: &'static str,
    /// The reason.
    pub reason: Reason,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The service answered with an error.
    Refused {
        /// HTTP status.
        status: u16,
        /// AWS' error code; empty when the response had none that looks like a name, and so perhaps was not from AWS.
        code: String,
        /// AWS' message: shortened, control characters escaped. May contain ids of the operator's account.
        message: String,
    },
    /// There was no response; the call may or may not have taken effect.
    NoAnswer(String),
    /// No credentials were available, so nothing was sent.
    NoCredentials(String),
    /// A response lacks what it must contain.
    Incomplete(&'static str),
    /// The service refused the write because somebody else wrote since the configuration was read.
    Raced,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status, code, message } if code.is_empty() => {
                write!(f, "status {status} without a code {message}")
            }
            Self::Refused { status, code, message } => write!(f, "{code} ({status}) {message}"),
            Self::NoAnswer(why) => write!(f, "no answer: {why}"),
            Self::NoCredentials(why) => write!(f, "no credentials: {why}"),
            Self::Incomplete(what) => write!(f, "the answer has no {what}"),
            Self::Raced => f.write_str("it was changed since it was read"),
        }
    }
}

impl Failure {
    /// Converts the SDK's error.
    pub fn new<E>(peer: Peer, action: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let chain = || clean(&with_causes(error));
        let reason = match error {
            SdkError::ServiceError(service) => {
                let answer = service.err();
                Reason::Refused {
                    status: service.raw().status().as_u16(),
                    code: answer
                        .code()
                        .filter(|code| is_code(code))
                        .unwrap_or_default()
                        .to_string(),
                    message: clean(answer.message().unwrap_or_default()),
                }
            }
            SdkError::ResponseError(response) => Reason::Refused {
                status: response.raw().status().as_u16(),
                code: String::new(),
                message: chain(),
            },
            // The SDK has no type for this in `SdkError`; the cause's text is the only information.
            SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_)
                if with_causes(error).to_lowercase().contains("credential") =>
            {
                Reason::NoCredentials(chain())
            }
            _ => Reason::NoAnswer(chain()),
        };
        Self { peer, action, reason }
    }

    /// A response that lacks what the service model promises.
    pub fn incomplete(peer: Peer, action: &'static str, what: &'static str) -> Self {
        Self {
            peer,
            action,
            reason: Reason::Incomplete(what),
        }
    }

    /// There was no response in time.
    pub(crate) fn unanswered(peer: Peer, action: &'static str, after: Duration) -> Self {
        Self {
            peer,
            action,
            reason: Reason::NoAnswer(format!("nothing within {after:?}")),
        }
    }

    /// The action as policies name it.
    pub(crate) fn permission(&self) -> String {
        self.peer.permission(self.action)
    }

    /// AWS' error code; empty when there was none.
    pub fn code(&self) -> &str {
        match &self.reason {
            Reason::Refused { code, .. } => code,
            _ => "",
        }
    }

    /// AWS' own message; empty when there was none.
    pub fn message(&self) -> &str {
        match &self.reason {
            Reason::Refused { message, .. } => message,
            _ => "",
        }
    }

    /// AWS' own message, fit for a user: truncated, and without account numbers.
    pub fn words(&self) -> String {
        shown(&without_accounts(self.message()))
    }

    /// Whether AWS wants fewer calls.
    pub fn is_throttled(&self) -> bool {
        classify(&self.reason) == Class::SlowDown
    }

    /// Whether somebody else wrote since the configuration was read.
    pub fn is_race(&self) -> bool {
        self.reason == Reason::Raced
    }

    /// The subject of the call, as a user knows it.
    pub(crate) fn subject(&self) -> &'static str {
        match self.peer {
            Peer::Iam => "certificate",
            Peer::CloudFront if self.action.ends_with("Function") => "function",
            Peer::CloudFront => "distribution",
            Peer::Route53 => "zone",
        }
    }

    /// Whether CloudFront refuses the destination of access logs, which no user can fix.
    pub fn refuses_log_bucket(&self) -> bool {
        refuses_log_bucket(&self.reason)
    }

    /// The outcome according to [`triage`]; a failure that only the operator can fix is also logged as an error.
    pub fn outcome(&self) -> Outcome {
        match classify(&self.reason) {
            Class::Credentials | Class::Account => match AccessTrouble::of(self) {
                Some(AccessTrouble { what, to_do, .. }) => {
                    tracing::error!(code = self.code(), error = %self, "{what}: {to_do}");
                }
                None => tracing::error!(code = self.code(), error = %self, "AWS refuses the broker's credentials"),
            },
            Class::SetByHand => {
                tracing::error!(
                    code = self.code(),
                    error = %self,
                    "AWS refuses what was set by hand: {}",
                    access::SET_BY_HAND
                );
            }
            Class::Quota => {
                tracing::error!(code = self.code(), error = %self, "a quota of the AWS account is reached");
            }
            Class::LogBucket => {
                tracing::error!(code = self.code(), error = %self, "CloudFront does not accept the log bucket: {}", log_bucket::TO_DO);
            }
            Class::Stranger => {
                tracing::error!(error = %self, "the answer is not one of AWS: is the endpoint right?");
            }
            Class::Refusal if meaning(self.code()).is_none() => {
                tracing::error!(code = self.code(), error = %self, "AWS answers with a code that its service model does not have");
            }
            Class::SlowDown | Class::Unavailable | Class::Race | Class::InProgress | Class::Refusal => {
                tracing::warn!(code = self.code(), error = %self, "a call to AWS failed");
            }
        }
        triage(self)
    }

    /// Ends the operation, with a text for the user; AWS' response is the cause.
    pub fn failed(&self, for_user: impl Into<String>) -> Outcome {
        Outcome::failed(for_user, self.to_string())
    }
}

/// Users are shown it, so it must look like a name; anything else is not from AWS (valid: `SlowDown`, `AWS.X.Y`).
fn is_code(code: &str) -> bool {
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':');
    code.len() <= LONGEST_CODE && code.bytes().all(name)
}

fn clean(text: &str) -> String {
    harmless(text, LONGEST_MESSAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_can_not_forge_a_log_line() {
        assert_eq!(clean("a\nERROR b\u{1b}[31m"), "a\\nERROR b\\u{1b}[31m");
        assert_eq!(clean(&"x".repeat(1000)).chars().count(), 401);
    }
}
