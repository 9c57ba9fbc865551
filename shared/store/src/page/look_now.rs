//! A tenant has a domain looked at now, and not when its turn comes.

use std::time::Duration;

use pipeline::{StepKind, WakeUp};
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::{Statement, statement};
use crate::steps::{lock_instance, lock_running};

/// In SQL: from when on another look at the domain of the step `s` can be asked for. One whose looks run into their time limits (or crash,
/// which counts as that) keeps a seat for half a minute each time, and rests for that.
pub(super) const AGAIN_AT: &str = "(s.checked_at + case when s.slow_looks > 0 \
     then least(interval '5 minutes', s.due_at - s.checked_at) else interval '10 seconds' end)";

/// What came of asking for a look at a domain.
#[derive(Debug, Clone)]
pub enum LookNow {
    /// It is due: this wake-up has to be published now.
    Asked(WakeUp),
    /// A look was asked for before, or is the first, and isn't recorded yet.
    UnderWay,
    /// The last look was a moment ago, or took long.
    TooSoon,
    /// The CA rejected the domain, which rests.
    Held,
    /// No step waits for the domain: it is not this instance's, or verified, or nothing is being done.
    NothingWaits,
}

impl Store {
    /// Makes the domain due, for a look at everything. A look that is under way has begun before what the tenant has set since, and will be
    /// stale: else it could be recorded in place of the one that was asked for. Refused while one is asked for already, for 10 seconds after
    /// the last one (longer, if looks at the domain run into time limits), and while the domain rests after the CA rejected it.
    ///
    /// # Errors
    /// Database errors; then nothing was changed.
    pub async fn look_now(&self, instance: &str, domain: &str) -> Result<LookNow, StoreError> {
        self.in_transaction("look-now", async |tx| {
            lock_instance(tx, instance).await?;
            let Some(operation) = lock_running(tx, instance).await? else {
                return Ok(LookNow::NothingWaits);
            };
            let row = statement!("look-now-step")
                .with("again_at", AGAIN_AT)
                .optional(tx, &[&operation, &domain, &instance])
                .await?;
            let Some(row) = row else {
                return Ok(LookNow::NothingWaits);
            };
            match row.try_get::<_, Option<String>>("refused")?.as_deref() {
                None => {}
                Some("held") => return Ok(LookNow::Held),
                Some("too-soon") => return Ok(LookNow::TooSoon),
                Some(_) => return Ok(LookNow::UnderWay),
            }
            let step: Uuid = row.try_get("id")?;
            let row = Statement::new(
                "look-now",
                "update steps set attempt = attempt + 1, due_at = now(), rung_at = now(), asked_at = now(), swept = 0, \
                 reason = reason - 'memory' where id = $1 returning attempt",
            )
            .one(tx, &[&step])
            .await?;
            Statement::new(
                "look-now-count",
                "update operations set version = version + 1 where id = $1",
            )
            .run(tx, &[&operation])
            .await?;
            Ok(LookNow::Asked(WakeUp {
                service: StepKind::VerifyChallenge.service(),
                step,
                attempt: row.try_get(0)?,
                delay: Duration::ZERO,
            }))
        })
        .await
    }
}
