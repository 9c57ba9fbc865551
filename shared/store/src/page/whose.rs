//! Which platform an instance is of: whoever signs in with another one doesn't see its page, whatever that platform says.

use time::OffsetDateTime;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::Statement;

impl Store {
    /// Whether this platform, by the names that its credentials have and had, was the last one that asked for anything of the instance: the
    /// database's time if it was. `None` also of an unknown or removed instance.
    ///
    /// # Errors
    /// Database errors.
    pub async fn page_is_of(&self, instance: &str, platform: &[String]) -> Result<Option<OffsetDateTime>, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "page-is-of",
            // A renewal is never asked for by a platform. History keeps the newest of the others.
            "select now() from instances i where i.id = $1 and i.deleted_at is null and ( \
               select o.platform from operations o where o.instance_id = i.id and o.kind <> 'renew' \
               order by o.created_at desc limit 1) = any($2)",
        )
        .optional(&client, &[&instance, &platform])
        .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }
}
