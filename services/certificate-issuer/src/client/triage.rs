//! Classifies the CA's errors: retry later, fail, or one of the few errors that a step can fix. Pure.

use std::time::Duration;

use instant_acme::{Error, Problem};
use pipeline::reason::{CaReason, Request};

use crate::client::acme_client::NoAnswer;
use crate::client::words::{said, short_type};

/// `Retry-After: 0` must not become a tight loop.
const SOONEST: Duration = Duration::from_secs(1);

/// The class of a failed request.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    /// Temporary: retry.
    Later {
        /// The reason.
        why: CaReason,
        /// The CA's `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// The CA doesn't know the account, or no longer does.
    AccountUnknown,
    /// The CA doesn't know the resource, or it belongs to another account.
    Gone,
    /// The CA refuses, and a retry won't change that.
    Refused(Problem),
    /// Not caused by the CA: our own fault.
    Ours(String),
}

/// Classifies a failed request.
pub(crate) fn triage(error: &Error, retry_after: Option<Duration>, request: Request) -> Trouble {
    let later = |why: CaReason| Trouble::Later {
        why,
        retry_after: retry_after.map(|after| after.max(SOONEST)),
    };
    let problem = match error {
        Error::Api(problem) => problem,
        Error::Crypto | Error::KeyRejected | Error::Unsupported(_) | Error::InvalidUri(_) => {
            return Trouble::Ours(error.to_string());
        }
        Error::Other(cause) if cause.is::<NoAnswer>() => return later(CaReason::NoAnswer { request }),
        Error::Json(_) | Error::Str(_) => return later(CaReason::Unreadable { request }),
        _ => return later(CaReason::Unreachable { request }),
    };
    let said = said(problem);
    // The type comes first (RFC 8555 §6.7): CAs use different statuses for the same type.
    match short_type(problem.r#type.as_deref()).unwrap_or_default() {
        "rateLimited" => return later(CaReason::Limits { request, said }),
        "badNonce" | "serverInternal" => return later(CaReason::Fault { request, said }),
        "orderNotReady" => return later(CaReason::NotReady { request, said }),
        "accountDoesNotExist" => return Trouble::AccountUnknown,
        // The operator can fix these without any action of the user.
        "externalAccountRequired" | "userActionRequired" => return later(CaReason::WantsOperator { request, said }),
        _ => {}
    }
    match problem.status.unwrap_or(0) {
        429 => later(CaReason::Limits { request, said }),
        408 | 425 => later(CaReason::NoAnswer { request }),
        404 | 410 => Trouble::Gone,
        400..=499 => Trouble::Refused(problem.clone()),
        _ => later(CaReason::Fault { request, said }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(status: u16, kind: &str) -> Error {
        Error::Api(Problem {
            r#type: (!kind.is_empty()).then(|| format!("urn:ietf:params:acme:error:{kind}")),
            detail: Some("its words".into()),
            status: Some(status),
            subproblems: Vec::new(),
        })
    }

    fn name(trouble: &Trouble) -> &'static str {
        match trouble {
            Trouble::Later { .. } => "later",
            Trouble::AccountUnknown => "account-unknown",
            Trouble::Gone => "gone",
            Trouble::Refused(_) => "refused",
            Trouble::Ours(_) => "ours",
        }
    }

    #[test]
    fn every_answer_has_its_meaning() {
        for (status, kind, expected) in [
            (429, "rateLimited", "later"),
            (429, "", "later"),
            (403, "rateLimited", "later"),
            (400, "badNonce", "later"),
            (500, "serverInternal", "later"),
            (502, "", "later"),
            (503, "", "later"),
            (503, "malformed", "later"),
            (408, "", "later"),
            (403, "orderNotReady", "later"),
            (403, "externalAccountRequired", "later"),
            (403, "userActionRequired", "later"),
            (302, "", "later"),
            (400, "accountDoesNotExist", "account-unknown"),
            (404, "malformed", "gone"),
            (410, "", "gone"),
            (400, "malformed", "refused"),
            (403, "unauthorized", "refused"),
            (400, "rejectedIdentifier", "refused"),
            (403, "caa", "refused"),
            (400, "unsupportedIdentifier", "refused"),
            (400, "badCSR", "refused"),
            (400, "invalidProfile", "refused"),
            (409, "alreadyReplaced", "refused"),
        ] {
            assert_eq!(
                name(&triage(&api(status, kind), None, Request::PlaceOrder)),
                expected,
                "{status} {kind}"
            );
        }
        for (error, expected) in [
            (Error::Str("no nonce"), "later"),
            (Error::Other("connection refused".into()), "later"),
            (Error::Other(Box::new(NoAnswer)), "later"),
            (Error::Json(serde_json::from_str::<u8>("<").unwrap_err()), "later"),
            (Error::KeyRejected, "ours"),
            (Error::Crypto, "ours"),
        ] {
            assert_eq!(name(&triage(&error, None, Request::PlaceOrder)), expected, "{error:?}");
        }
    }

    #[test]
    fn the_user_reads_the_cas_words_and_its_wait_is_heeded() {
        let day = Duration::from_secs(86_400);
        let Trouble::Later { why, retry_after } = triage(&api(429, "rateLimited"), Some(day), Request::PlaceOrder)
        else {
            panic!("not later");
        };
        assert_eq!(
            why.to_string(),
            "the CA limits how much may be asked for, while placing the order: its words (rateLimited)"
        );
        assert_eq!(retry_after, Some(day));
        let Trouble::Later { retry_after, .. } = triage(&api(503, ""), Some(Duration::ZERO), Request::PlaceOrder)
        else {
            panic!("not later");
        };
        assert_eq!(retry_after, Some(SOONEST));
    }
}
