//! Private keys that an operator no longer trusts.

use pipeline::renewal::RenewBy;
use pipeline::revocation::RevocationReason;
use serde_json::json;

use crate::audit::{Acting, Action, Entry};
use crate::error::StoreError;
use crate::statement::Statement;

impl Acting<'_> {
    /// From now on no key that was created earlier is used for a certificate of the instance, and a certificate in use
    /// with such a key is due: the planner schedules its renewal, whatever operation runs now. With a reason, every
    /// earlier certificate is revoked once nothing serves it. `None`: of every instance, including removed ones.
    /// Returns the number of instances.
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
                "update certificates set renew_at = now(), renew_by = $2 where ($1::text is null or instance_id = $1) \
                 and id in (select id from certificates_in_use)",
            )
            .run(tx, &[&instance, &RenewBy::Operator.as_str()])
            .await?;
            // Revocations that the CA refused for an earlier request are requested again.
            Statement::new(
                "distrust-revoke-again",
                "update certificates set revoke_due = null where ($1::text is null or instance_id = $1) \
                 and revoked_at is null \
                 and revoke_due is not null",
            )
            .run(tx, &[&instance])
            .await?;
            if instances > 0 {
                let entry = Entry {
                    instance,
                    details: json!({"instances": instances, "revoke": reason}),
                    ..Entry::of(Action::DistrustKeys)
                };
                self.note(tx, entry).await?;
            }
            Ok(instances)
        })
        .await
    }
}
