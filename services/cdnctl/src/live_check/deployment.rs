//! How long CloudFront takes to deploy.

use std::time::Duration;

use tokio::time::Instant;

use super::beliefs::{DEPLOYMENT, Verdict};
use super::check::{Check, passes, span};
use super::ended::Ended;

const BELIEVED: Duration = Duration::from_secs(30 * 60);

/// The deployment of the new distribution.
pub(super) async fn first(check: &mut Check) -> Result<String, Ended> {
    let id = distribution(check)?;
    let took = wait(check, &id, "a creation").await?;
    Ok(format!("deployed within {}", span(took)))
}

/// The id of the distribution that is used for all tests.
pub(super) fn distribution(check: &Check) -> Result<String, Ended> {
    let name = check.state.distribution();
    check
        .state
        .id(&name)
        .ok_or_else(|| Ended::Unfit("the distribution's id is not known".to_owned()))
}

/// Waits until it is deployed, and returns how long that took from now.
pub(super) async fn wait(check: &mut Check, id: &str, after: &str) -> Result<Duration, Ended> {
    let begun = Instant::now();
    loop {
        match check.cloudfront.distribution(id).await {
            Ok(Some(found)) if found.status == "Deployed" => break,
            Ok(Some(_)) => {}
            Ok(None) => {
                return Err(Ended::Unfit(format!(
                    "the distribution {id} is gone, and not by this check"
                )));
            }
            // In an hour of polling, one request may fail.
            Err(failure) if passes(&failure) => {}
            Err(failure) => return Err(failure.into()),
        }
        check.wait(&format!("the deployment of {id}"), begun).await?;
    }
    let took = begun.elapsed();
    let verdict = Verdict::of(took <= BELIEVED);
    check.see(DEPLOYMENT, verdict, format!("after {after}: {}", span(took)));
    Ok(took)
}
