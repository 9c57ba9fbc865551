//! A request that was answered by an error changes nothing (OSBAPI, "Service Broker Errors"), so its writes must be
//! committed before its time limit, or not at all.

use std::time::Duration;

use crate::osbapi::error::OsbError;

/// A request's time limit minus the time for its body, with room to spare.
const LIMIT: Duration = Duration::from_secs(20);

/// The result of the write; 503 when it takes too long, in which case its transaction is rolled back. The one exception
/// is a COMMIT whose response got lost: it can't be distinguished from a rollback.
pub(crate) async fn in_time<T, E>(write: impl Future<Output = Result<T, E>>) -> Result<T, OsbError>
where
    OsbError: From<E>,
{
    within(LIMIT, write).await
}

async fn within<T, E>(limit: Duration, write: impl Future<Output = Result<T, E>>) -> Result<T, OsbError>
where
    OsbError: From<E>,
{
    match tokio::time::timeout(limit, write).await {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(OsbError::unavailable(
            "The broker's database is too slow, so this was given up; `cf service` shows the current state. Try again \
             in a moment.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use axum::response::IntoResponse as _;

    use super::*;

    #[tokio::test]
    async fn what_takes_too_long_is_broken_off_and_answered_503() {
        static WRITTEN: AtomicBool = AtomicBool::new(false);
        let slow = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            WRITTEN.store(true, Ordering::SeqCst);
            Ok::<_, OsbError>(())
        };
        let answer = within(Duration::from_millis(5), slow)
            .await
            .unwrap_err()
            .into_response();
        assert_eq!(answer.status(), 503);
        assert!(answer.headers().contains_key("retry-after"));
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!WRITTEN.load(Ordering::SeqCst));
        let quick = async { Ok::<_, OsbError>(7) };
        assert_eq!(within(Duration::from_secs(5), quick).await.unwrap(), 7);
    }
}
