//! Keys that an operator trusts no longer.

use pipeline::revocation::RevocationReason;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::Statement;

impl Store {
    /// From now on no key that was made before makes a certificate of the instance, and a certificate in use that has
    /// one is due: the planner sees to it, whatever is at work now. With a reason, every earlier certificate is
    /// revoked once nothing serves it. `None`: of every instance, those that were removed as well. Returns of how many.
    ///
    /// # Errors
    /// Database errors; then nothing was written.
    pub async fn distrust_keys(
        &self,
        instance: Option<&str>,
        revoke: Option<RevocationReason>,
    ) -> Result<u64, StoreError> {
        let reason = revoke.map(RevocationReason::as_str);
        self.in_transaction("distrust-keys", async |tx| {
            let instances = Statement::new(
                "distrust-instances",
                "update instances set keys_distrusted_at = now(), \
                 revoke_before = case when $2::text is null then revoke_before else now() end, \
                 revoke_reason = coalesce($2, revoke_reason) where $1::text is null or id = $1",
            )
            .run(tx, &[&instance, &reason])
            .await?;
            Statement::new(
                "distrust-renew",
                "update certificates set renew_at = now() where ($1::text is null or instance_id = $1) \
                 and id in (select id from certificates_in_use)",
            )
            .run(tx, &[&instance])
            .await?;
            // What the CA refused for an older wish is asked for again.
            Statement::new(
                "distrust-revoke-again",
                "update certificates set revoke_due = null where ($1::text is null or instance_id = $1) \
                 and revoked_at is null \
                 and revoke_due is not null",
            )
            .run(tx, &[&instance])
            .await?;
            Ok(instances)
        })
        .await
    }
}
