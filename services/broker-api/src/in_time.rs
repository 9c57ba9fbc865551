//! A request that was answered by an error changes nothing (OSBAPI, "Service Broker Errors"), so what it writes has to be
//! written before its time is up, or not at all.

use std::time::Duration;

use crate::error::OsbError;

/// Shorter than a request's time by what ringing takes.
const LIMIT: Duration = Duration::from_secs(20);

/// The write's outcome; 503 when it takes too long, and then its transaction is rolled back. Only an answer to COMMIT
/// that got lost can't be told from it.
pub(crate) async fn in_time<T, E>(write: impl Future<Output = Result<T, E>>) -> Result<T, OsbError>
where
    OsbError: From<E>,
{
    match tokio::time::timeout(LIMIT, write).await {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(OsbError::unavailable(
            "The broker's database is too slow; nothing was changed. Try again in a moment.",
        )),
    }
}
