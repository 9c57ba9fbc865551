//! The chore: records that tenants set once are looked at in between, so that one that is gone is reported when it goes.

use std::time::Duration;

use challenge_verifier::{Expected, Prober};
use futures_util::{StreamExt as _, stream};
use pipeline::Reason;
use pipeline::domain::wildcard_of;
use store::{StandingProof, Store, StoreError};
use time::OffsetDateTime;

/// The most domains of one run …
const A_TURN: u32 = 500;
/// … how many of them at the same time …
const AT_ONCE: usize = 8;
/// … and the interval of runs, which spreads the probes.
pub(crate) const EVERY: Duration = Duration::from_secs(600);

/// One run: looks at every proof that was not looked at for `since`.
pub(crate) async fn check(store: &Store, prober: &Prober, since: Duration) -> Result<(), StoreError> {
    let due = store.standing_proofs_due(since, A_TURN).await?;
    let mut checked = stream::iter(due)
        .map(async |proof| {
            let gone = gone(prober, &proof).await;
            let new = store.standing_proof_checked(&proof, gone.as_ref()).await?;
            if let Some(seen) = gone.filter(|_| new) {
                tracing::warn!(
                    instance = proof.instance,
                    domain = proof.domain,
                    %seen,
                    "nothing proves the domain any more: its next renewal waits for its tenant"
                );
            }
            Ok::<_, StoreError>(())
        })
        .buffer_unordered(AT_ONCE);
    while let Some(done) = checked.next().await {
        done?;
    }
    Ok(())
}

/// What was seen instead of the proof, if it is certain that there is none: an answer that is missing says nothing.
async fn gone(prober: &Prober, proof: &StandingProof) -> Option<Reason> {
    if !proof.method.outlasts_its_order() {
        return None;
    }
    let expected = Expected {
        domain: proof.domain.clone(),
        challenges: proof.challenges.clone(),
        caa: None,
    };
    let look = prober.probe(&expected, OffsetDateTime::now_utc()).await;
    if !look.is_gone() {
        return None;
    }
    // CloudFront answers the CA for a domain that leads to its distribution; a wildcard can't be proved by HTTP.
    let distribution = proof.distribution_domain.as_deref();
    if wildcard_of(&proof.domain).is_none()
        && prober
            .leads_to_distribution(&proof.domain, distribution)
            .await
            .is_some()
    {
        return None;
    }
    Some(look.without_memory().into())
}
