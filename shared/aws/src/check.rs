//! The doctor's check of AWS: does AWS know the access key, and does it allow what the service needs? It uses calls
//! that change nothing: on objects that don't exist, or with invalid input. Only the answer that an object doesn't
//! exist means "allowed": AWS may check the form of a request before the permission, and nothing that it publishes says
//! in which order.

use std::pin::Pin;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_cloudfront::config::ProvideCredentials as _;
use aws_sdk_cloudfront::config::http::HttpResponse;
use aws_sdk_cloudfront::error::{ProvideErrorMetadata, SdkError};
use doctor::{Check, Finding};

use crate::access::{AccessTrouble, denied};
use crate::failure::{Failure, Peer, Reason};

const ABOUT: &str = "AWS";
/// The time limit of a call; a role's credentials may have to be fetched first.
const CALL: Duration = Duration::from_secs(6);
/// The time limit of all calls: the identity check, once more when the clock is off, and the rest concurrently.
const LIMIT: Duration = Duration::from_secs(20);

/// Codes that say that the object doesn't exist, after the call was allowed: without permission AWS answers
/// `AccessDenied`.
const ABSENT: [&str; 4] = [
    "NoSuchDistribution",
    "NoSuchEntity",
    "NoSuchFunctionExists",
    "NoSuchResource",
];

/// A call that AWS did not refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// It changed nothing.
    Harmless,
    /// It unexpectedly created something, which was deleted again.
    Undone(String),
    /// It unexpectedly created something, which still exists: what it is, and why it could not be deleted.
    Left(String, Failure),
}

impl Tried {
    /// Something was unexpectedly created; `deleted` is the result of deleting it.
    pub fn made(what: impl Into<String>, deleted: Result<(), Failure>) -> Self {
        match deleted {
            Ok(()) => Self::Undone(what.into()),
            Err(failure) => Self::Left(what.into(), failure),
        }
    }
}

type Answer = Result<Tried, Failure>;
type Call = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// A call that shows whether an action is allowed, and changes nothing.
pub struct Probe {
    peer: Peer,
    action: &'static str,
    expected: &'static [&'static str],
    only_ours: bool,
    call: Box<dyn Fn() -> Call + Send + Sync>,
}

impl Probe {
    /// The call. It is allowed when it succeeds, and when AWS says that the object doesn't exist; with another of the
    /// `expected` codes it is not refused, and no more is known.
    pub fn new<T, E, F>(
        peer: Peer,
        action: &'static str,
        expected: &'static [&'static str],
        call: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'static,
    {
        Self::by(peer, action, expected, move || {
            let answer = call();
            async move {
                answer
                    .await
                    .map(|_| Tried::Harmless)
                    .map_err(|error| Failure::new(peer, action, &error))
            }
        })
    }

    /// The same for several calls.
    pub fn by<F>(
        peer: Peer,
        action: &'static str,
        expected: &'static [&'static str],
        calls: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Tried, Failure>> + Send + 'static,
    {
        let call = move || -> Call {
            let answer = calls();
            Box::pin(async move {
                match tokio::time::timeout(CALL, answer).await {
                    Ok(answer) => answer,
                    Err(_elapsed) => Err(Failure::unanswered(peer, action, CALL)),
                }
            })
        };
        Self {
            peer,
            action,
            expected,
            only_ours: false,
            call: Box::new(call),
        }
    }

    /// The policy may allow it only for resources with our tag (docs/aws): then a refusal proves nothing.
    #[must_use]
    pub fn only_ours(mut self) -> Self {
        self.only_ours = true;
        self
    }

    fn judged(&self, result: &Answer) -> Finding {
        let about = self.peer.permission(self.action);
        let failure = match result {
            Ok(Tried::Harmless) => return Finding::ok(about, "allowed"),
            Ok(Tried::Undone(what)) => {
                let made = format!("allowed; against expectation AWS created the {what}, which is deleted again");
                return Finding::warn(about, made, "nothing; please tell the developers of this broker");
            }
            Ok(Tried::Left(what, failure)) => {
                let made = format!(
                    "allowed; against expectation AWS created the {what}, which could not be deleted: {failure}"
                );
                return Finding::fail(
                    about,
                    made,
                    "delete it by hand, and please tell the developers of this broker",
                );
            }
            Err(failure) if ABSENT.contains(&failure.code()) => return Finding::ok(about, "allowed"),
            Err(failure) if self.expected.contains(&failure.code()) => {
                let complaint = format!(
                    "not refused; whether it is allowed is not known: AWS complains of what was asked ({}), which it may do first",
                    failure.code()
                );
                return Finding::skip(about, complaint);
            }
            Err(Failure {
                reason: Reason::Incomplete(what),
                ..
            }) => return Finding::skip(about, format!("not tried: there is no {what} yet")),
            Err(failure) => failure,
        };
        match AccessTrouble::of(failure) {
            Some(trouble) if trouble.known && self.only_ours => Finding::skip(
                about,
                "not known: AWS refuses it for what isn't there, and so it has to where the policy wants our tag, as \
                 docs/aws does",
            ),
            Some(trouble) if trouble.known => Finding::fail(
                denied(failure),
                format!("{}: {}", trouble.what, failure.message()),
                trouble.to_do,
            ),
            Some(trouble) => Finding::fail(about, trouble.what, trouble.to_do),
            None => Finding::warn(
                about,
                format!("not known, no clear answer: {failure}"),
                "run the doctor again",
            ),
        }
    }
}

/// The first of the probes checks the identity, then all are tried.
pub fn check_aws(sdk: &SdkConfig, probes: Vec<Probe>) -> Check {
    let sdk = sdk.clone();
    Check::several(ABOUT, async move {
        let mut others = probes.into_iter();
        let Some(first) = others.next() else {
            return Vec::new();
        };
        let key = match key(&sdk).await {
            Some(key) => format!("access key …{key}"),
            None => "the credentials".to_string(),
        };
        let mut answer = (first.call)().await;
        let mut clock = false;
        if trouble(&answer).is_some_and(|trouble| trouble.clock) {
            clock = true;
            answer = (first.call)().await;
        }
        let who = who(&key, first.peer, clock, &answer);
        if who.1 {
            return vec![who.0, Finding::skip("AWS permissions", "not tried without access")];
        }
        let mut findings = vec![who.0, first.judged(&answer)];
        let running: Vec<_> = others
            .map(|probe| {
                tokio::spawn(async move {
                    let answer = (probe.call)().await;
                    probe.judged(&answer)
                })
            })
            .collect();
        for one in running {
            findings.extend(one.await.ok());
        }
        findings
    })
    .within(LIMIT)
}

/// The end of the access key's id, by which it can be recognized; the id is no secret.
async fn key(sdk: &SdkConfig) -> Option<String> {
    let provider = sdk.credentials_provider()?;
    let credentials = tokio::time::timeout(CALL, provider.provide_credentials())
        .await
        .ok()?
        .ok()?;
    let id: Vec<char> = credentials.access_key_id().chars().collect();
    Some(id[id.len().saturating_sub(4)..].iter().collect())
}

fn trouble(answer: &Answer) -> Option<AccessTrouble> {
    AccessTrouble::of(answer.as_ref().err()?)
}

/// Whether AWS knows the caller, and whether further calls are pointless.
fn who(key: &str, peer: Peer, clock: bool, answer: &Answer) -> (Finding, bool) {
    match (trouble(answer), answer) {
        (Some(trouble), _) if !trouble.known => (Finding::fail(ABOUT, trouble.what, trouble.to_do), true),
        (None, Err(failure)) if failure.code().is_empty() => {
            let to_do = "check that this machine reaches AWS (https, a proxy?), and AWS_ENDPOINT_URL_* if set";
            (
                Finding::fail(ABOUT, format!("{peer} can't be asked: {failure}"), to_do),
                true,
            )
        }
        _ if clock => {
            let what = format!("{key} is known, but the clock of this machine is minutes off");
            (
                Finding::warn(
                    ABOUT,
                    what,
                    "set it (NTP); until then the first calls of each process fail",
                ),
                false,
            )
        }
        _ => (Finding::ok(ABOUT, format!("{key} is known")), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, message: &str) -> Answer {
        Err(Failure {
            peer: Peer::CloudFront,
            action: "DeleteDistribution",
            reason: Reason::Refused {
                status: 403,
                code: code.into(),
                message: message.into(),
            },
        })
    }

    fn probe() -> Probe {
        Probe {
            peer: Peer::CloudFront,
            action: "DeleteDistribution",
            expected: &["NoSuchDistribution", "NoSuchOrigin", "InvalidArgument"],
            only_ours: false,
            call: Box::new(|| Box::pin(async { Ok(Tried::Harmless) })),
        }
    }

    #[test]
    fn a_permission_is_there_when_aws_says_that_nothing_is() {
        let line = |result: Answer| probe().judged(&result).to_string();
        assert_eq!(
            line(Ok(Tried::Harmless)),
            "ok    cloudfront:DeleteDistribution  allowed"
        );
        assert_eq!(
            line(refused("NoSuchDistribution", "")),
            "ok    cloudfront:DeleteDistribution  allowed"
        );
        let denied = line(refused("AccessDenied", "User: arn:… is not authorized"));
        assert!(denied.starts_with("FAIL  cloudfront:DeleteDistribution  "), "{denied}");
        assert!(
            denied.contains("User: arn:…") && denied.contains("docs/aws"),
            "{denied}"
        );
        for early in ["NoSuchOrigin", "InvalidArgument"] {
            let line = line(refused(early, ""));
            assert!(
                line.starts_with("skip") && line.contains("is not known") && line.contains(early),
                "{line}"
            );
        }
        for unclear in ["Throttling", "MalformedXML", ""] {
            let line = line(refused(unclear, ""));
            assert!(
                line.starts_with("warn  cloudfront:DeleteDistribution  not known"),
                "{line}"
            );
        }
    }

    #[test]
    fn what_was_made_against_expectation_is_told() {
        let undone = Tried::made("function cdn-broker-doctor", Ok(()));
        let line = probe().judged(&Ok(undone)).to_string();
        assert!(
            line.starts_with("warn") && line.contains("function cdn-broker-doctor, which is deleted again"),
            "{line}"
        );
        let left = Tried::made("distribution E1", refused("DistributionNotDisabled", "").map(drop));
        let line = probe().judged(&Ok(left)).to_string();
        assert!(
            line.starts_with("FAIL") && line.contains("distribution E1") && line.contains("delete it by hand"),
            "{line}"
        );
    }

    #[test]
    fn what_the_policy_may_allow_for_ours_only_is_not_known_when_refused() {
        let line = |code| probe().only_ours().judged(&refused(code, "")).to_string();
        assert!(line("AccessDenied").starts_with("skip  cloudfront:DeleteDistribution  not known"));
        assert!(line("NoSuchDistribution").starts_with("ok"));
    }

    #[test]
    fn who_asks_is_told_from_the_first_answer() {
        let who = |clock, answer| who("access key …ABCD", Peer::CloudFront, clock, &answer);
        let (line, end) = who(false, Ok(Tried::Harmless));
        assert_eq!(
            (line.to_string().as_str(), end),
            ("ok    AWS  access key …ABCD is known", false)
        );
        let (_, end) = who(false, refused("AccessDenied", ""));
        assert!(!end, "known, and not allowed this one thing");
        let (line, end) = who(false, refused("InvalidClientTokenId", ""));
        assert!(
            end && line
                .to_string()
                .starts_with("FAIL  AWS  the access key is not known to AWS")
        );
        let unanswered = Failure::unanswered(Peer::CloudFront, "ListDistributions", CALL);
        let (line, end) = who(false, Err(unanswered));
        assert!(end && line.to_string().contains("AWS_ENDPOINT_URL_"), "{line}");
        let (line, end) = who(true, Ok(Tried::Harmless));
        assert!(!end && line.to_string().starts_with("warn  AWS  "), "{line}");
    }
}
