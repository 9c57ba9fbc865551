//! Offers, as an operator manages them.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;

use crate::audit::{Acting, Action, Entry};
use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::Statement;
use crate::steps::as_millis;

/// What is offered, and to whom.
#[derive(Debug, Clone, Copy)]
pub struct NewOffer<'o> {
    /// CloudFront's id.
    pub distribution: &'o str,
    /// CloudFront's name of it.
    pub domain: &'o str,
    /// The tenant whose next instance may have it.
    pub tenant: &'o str,
    /// Its aliases, sorted.
    pub aliases: &'o [String],
    /// The zone in which the aliases have targets of the old broker's, which the tenant inherits.
    pub delegation_zone: Option<&'o str>,
    /// How long the offer stands.
    pub lasts: Duration,
}

/// A distribution that a tenant's next instance may have.
#[derive(Debug, Clone, Serialize)]
pub struct Offer {
    /// CloudFront's id.
    pub distribution: String,
    /// The tenant whose next instance may have it.
    pub tenant: String,
    /// Its aliases, sorted: the instance's domains have to equal these.
    pub aliases: Vec<String>,
    /// The zone in which they have targets of the old broker's, which the tenant inherits.
    pub delegation_zone: Option<String>,
    /// When the offer ends.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
    /// The instance that has it.
    pub taken_by: Option<String>,
    /// When that instance was about to write to it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub written_at: Option<OffsetDateTime>,
}

impl Acting<'_> {
    /// Offers a distribution, or changes an offer that was not taken. `false`: it was taken.
    ///
    /// # Errors
    /// Database errors.
    pub async fn offer(&self, new: NewOffer<'_>) -> Result<bool, StoreError> {
        self.in_transaction("offer", async |tx| {
            let made = Statement::new(
                "operator-offer",
                "insert into offers (distribution_id, distribution_domain, tenant, aliases, until, delegation_zone) \
                 values ($1, $2, $3, $4, clock_timestamp() + $5::float8 * interval '1 millisecond', $6) \
                 on conflict (distribution_id) do update set distribution_domain = excluded.distribution_domain, \
                 tenant = excluded.tenant, aliases = excluded.aliases, until = excluded.until, offered_at = now(), \
                 delegation_zone = excluded.delegation_zone where offers.taken_by is null",
            )
            .run(
                tx,
                &[
                    &new.distribution,
                    &new.domain,
                    &new.tenant,
                    &new.aliases,
                    &as_millis(new.lasts),
                    &new.delegation_zone,
                ],
            )
            .await?;
            if made > 0 {
                let entry = Entry {
                    subject: Some(new.distribution),
                    details: json!({
                        "tenant": new.tenant,
                        "aliases": new.aliases,
                        "delegation_zone": new.delegation_zone,
                    }),
                    ..Entry::of(Action::Offer)
                };
                self.note(tx, entry).await?;
            }
            Ok(made > 0)
        })
        .await
    }

    /// Withdraws an offer that was not taken. `false`: there is none.
    ///
    /// # Errors
    /// Database errors.
    pub async fn withdraw_offer(&self, distribution: &str) -> Result<bool, StoreError> {
        self.in_transaction("withdraw-offer", async |tx| {
            let withdrawn = Statement::new(
                "operator-withdraw-offer",
                "delete from offers where distribution_id = $1 and taken_by is null",
            )
            .run(tx, &[&distribution])
            .await?;
            if withdrawn > 0 {
                let entry = Entry {
                    subject: Some(distribution),
                    ..Entry::of(Action::WithdrawOffer)
                };
                self.note(tx, entry).await?;
            }
            Ok(withdrawn > 0)
        })
        .await
    }
}

impl Store {
    /// Every offer, the newest first.
    ///
    /// # Errors
    /// Database errors.
    pub async fn offers(&self) -> Result<Vec<Offer>, StoreError> {
        let client = self.client().await?;
        let rows = Statement::new(
            "operator-offers",
            "select distribution_id, tenant, aliases, delegation_zone, until, taken_by, written_at from offers \
             order by offered_at desc",
        )
        .all(&client, &[])
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Offer {
                    distribution: row.try_get("distribution_id")?,
                    tenant: row.try_get("tenant")?,
                    aliases: row.try_get("aliases")?,
                    delegation_zone: row.try_get("delegation_zone")?,
                    until: row.try_get("until")?,
                    taken_by: row.try_get("taken_by")?,
                    written_at: row.try_get("written_at")?,
                })
            })
            .collect()
    }
}
