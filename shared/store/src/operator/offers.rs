//! Offers, as an operator manages them.

use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::Statement;
use crate::steps::as_millis;

/// A distribution that a tenant's next instance may have.
#[derive(Debug, Clone, Serialize)]
pub struct Offer {
    /// CloudFront's id.
    pub distribution: String,
    /// The tenant whose next instance may have it.
    pub tenant: String,
    /// Its aliases, sorted: the instance's domains have to equal these.
    pub aliases: Vec<String>,
    /// When the offer ends.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
    /// The instance that has it.
    pub taken_by: Option<String>,
    /// When that instance was about to write to it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub written_at: Option<OffsetDateTime>,
}

impl Store {
    /// Offers a distribution, or changes an offer that was not taken. `false`: it was taken.
    ///
    /// # Errors
    /// Database errors.
    pub async fn offer(
        &self,
        (distribution, domain): (&str, &str),
        tenant: &str,
        aliases: &[String],
        lasts: Duration,
    ) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let made = Statement::new(
            "operator-offer",
            "insert into offers (distribution_id, distribution_domain, tenant, aliases, until) \
             values ($1, $2, $3, $4, clock_timestamp() + $5::float8 * interval '1 millisecond') \
             on conflict (distribution_id) do update set distribution_domain = excluded.distribution_domain, \
             tenant = excluded.tenant, aliases = excluded.aliases, until = excluded.until, offered_at = now() \
             where offers.taken_by is null",
        )
        .run(&client, &[&distribution, &domain, &tenant, &aliases, &as_millis(lasts)])
        .await?;
        Ok(made > 0)
    }

    /// Withdraws an offer that was not taken. `false`: there is none.
    ///
    /// # Errors
    /// Database errors.
    pub async fn withdraw_offer(&self, distribution: &str) -> Result<bool, StoreError> {
        let client = self.client().await?;
        Ok(Statement::new(
            "operator-withdraw-offer",
            "delete from offers where distribution_id = $1 and taken_by is null",
        )
        .run(&client, &[&distribution])
        .await?
            > 0)
    }

    /// Every offer, the newest first.
    ///
    /// # Errors
    /// Database errors.
    pub async fn offers(&self) -> Result<Vec<Offer>, StoreError> {
        let client = self.client().await?;
        let rows = Statement::new(
            "operator-offers",
            "select distribution_id, tenant, aliases, until, taken_by, written_at from offers order by offered_at desc",
        )
        .all(&client, &[])
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Offer {
                    distribution: row.try_get("distribution_id")?,
                    tenant: row.try_get("tenant")?,
                    aliases: row.try_get("aliases")?,
                    until: row.try_get("until")?,
                    taken_by: row.try_get("taken_by")?,
                    written_at: row.try_get("written_at")?,
                })
            })
            .collect()
    }
}
