//! What is on the page: the status of the newest operation, that of a renewal, and what stands beside them.

use pipeline::page::{Facts, Page};
use tokio_postgres::types::Json;

use crate::connection::Store;
use crate::error::StoreError;
use crate::orders::CHALLENGES;
use crate::proofs::PROOFS;
use crate::statement::statement;
use crate::status::view_of;

impl Store {
    /// Everything that the instance's page is made of, at one moment. `None`: the instance is unknown or removed.
    ///
    /// # Errors
    /// Database errors.
    pub async fn page(&self, instance: &str) -> Result<Option<Page>, StoreError> {
        // Of several moments the page would contradict itself.
        self.at_one_moment(async |moment| {
            let row = statement!("page")
                .with("proofs", PROOFS)
                .with("challenges", CHALLENGES)
                .optional(moment, &[&instance])
                .await?;
            let Some(row) = row else { return Ok(None) };
            let Json(facts): Json<Facts> = row.try_get(0)?;
            let Some(status) = view_of(moment, instance, None).await? else {
                return Ok(None);
            };
            let renewal = match facts.renewal {
                Some(renewal) => view_of(moment, instance, Some(renewal)).await?,
                None => None,
            };
            Ok(Some(Page { status, renewal, facts }))
        })
        .await
    }
}
