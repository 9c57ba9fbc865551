//! What is on the page: the status of the newest operation, that of a renewal, and what stands beside them.

use pipeline::page::{Facts, OperationFacts, Page};
use tokio_postgres::types::Json;

use crate::connection::Store;
use crate::error::StoreError;
use crate::orders::CHALLENGES;
use crate::page::look_now::AGAIN_AT;
use crate::proofs::PROOFS;
use crate::statement::statement;
use crate::status::view_of;

/// One more than are shown, so that it is seen whether there are more.
const NEWS: i64 = OperationFacts::MOST_NEWS as i64 + 1;

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
                .with("again_at", AGAIN_AT)
                .optional(moment, &[&instance, &NEWS])
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
