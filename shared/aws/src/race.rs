//! Detects whether somebody else wrote since the configuration was read.

use crate::failure::{Failure, Reason};

/// `PreconditionFailed` 412 is the response to a stale ETag, but not only to that: "You can't delete this distribution
/// while it's subscribed to a pricing plan" has the same code (aws-nuke issue 1024). `InvalidIfMatchVersion` 400 says
/// that the ETag is "not valid for the resource" that it came from. So it is a race only if the version differs `now`,
/// or can't be read.
pub async fn told_apart(
    failure: Failure,
    sent: &str,
    now: impl Future<Output = Result<Option<String>, Failure>>,
) -> Failure {
    if !matches!(failure.code(), "PreconditionFailed" | "InvalidIfMatchVersion") {
        return failure;
    }
    match now.await {
        Ok(Some(etag)) if etag == sent => failure,
        _ => Failure {
            reason: Reason::Raced,
            ..failure
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Peer;

    async fn judged(code: &str, now: Result<Option<&str>, ()>) -> bool {
        let refused = |code: &str| Failure {
            peer: Peer::CloudFront,
            action: "DeleteDistribution",
            reason: Reason::Refused {
                status: 412,
                code: code.into(),
                message: String::new(),
            },
        };
        let now = async {
            now.map(|etag| etag.map(str::to_owned))
                .map_err(|()| refused("Throttling"))
        };
        told_apart(refused(code), "E1", now).await.reason == Reason::Raced
    }

    #[tokio::test]
    async fn it_is_a_race_only_if_the_version_moved() {
        for code in ["PreconditionFailed", "InvalidIfMatchVersion"] {
            assert!(!judged(code, Ok(Some("E1"))).await, "{code}");
            assert!(judged(code, Ok(Some("E2"))).await, "{code}");
            assert!(judged(code, Ok(None)).await, "{code}");
            assert!(judged(code, Err(())).await, "{code}");
        }
        assert!(!judged("IllegalUpdate", Ok(Some("E2"))).await);
    }
}
