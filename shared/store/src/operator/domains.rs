//! Who has a domain, who asks for it, and taking it from an instance.

use serde::Serialize;
use time::OffsetDateTime;

use crate::connection::Store;
use crate::error::StoreError;
use crate::holding::{STANDS, lose};
use crate::statement::Statement;
use crate::steps::lock_instance;

/// An instance's claim to a domain.
#[derive(Debug, Clone, Serialize)]
pub struct DomainLine {
    /// The domain.
    pub domain: String,
    /// The instance.
    pub instance: String,
    /// Whose that is.
    pub tenant: String,
    /// `has`, `asks`, `lost`, `being-removed` or `not-created`.
    pub state: String,
    /// It has the domain, but the certificate that it proved it for has ended: the next one that proves it gets it at
    /// once.
    pub lapsed: bool,
    /// Since when it asks.
    #[serde(with = "time::serde::rfc3339")]
    pub asked_at: OffsetDateTime,
    /// When it proved it last.
    #[serde(with = "time::serde::rfc3339::option")]
    pub proved_at: Option<OffsetDateTime>,
    /// When its proof was last seen in place.
    #[serde(with = "time::serde::rfc3339::option")]
    pub seen_at: Option<OffsetDateTime>,
    /// It proves the domain, and the one that has it does not: from then on it is its.
    #[serde(with = "time::serde::rfc3339::option")]
    pub wins_at: Option<OffsetDateTime>,
    /// When it lost it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub lost_at: Option<OffsetDateTime>,
    /// To which instance; none when an operator released it.
    pub lost_to: Option<String>,
    /// When its newest operation was asked for: that is since when it is being removed.
    #[serde(with = "time::serde::rfc3339")]
    pub operation_since: OffsetDateTime,
}

impl Store {
    /// The claims to this domain, or all: who has it first, then who asks.
    ///
    /// # Errors
    /// Database errors.
    pub async fn domain_lines(&self, domain: Option<&str>) -> Result<Vec<DomainLine>, StoreError> {
        let client = self.client().await?;
        let rows = Statement::new(
            "operator-domains",
            format!(
                "select h.domain, h.instance_id, h.tenant, h.state, h.state = 'has' and not {STANDS} as lapsed, \
                 h.asked_at, h.proved_at, h.seen_at, h.wins_at, h.lost_at, h.lost_to, h.operation_since \
                 from claim_states h \
                 where $1::text is null or h.domain = $1 \
                 order by h.domain, h.state <> 'has', h.state <> 'asks', h.asked_at"
            ),
        )
        .all(&client, &[&domain])
        .await?;
        rows.iter()
            .map(|row| {
                Ok(DomainLine {
                    domain: row.try_get("domain")?,
                    instance: row.try_get("instance_id")?,
                    tenant: row.try_get("tenant")?,
                    state: row.try_get("state")?,
                    lapsed: row.try_get("lapsed")?,
                    asked_at: row.try_get("asked_at")?,
                    proved_at: row.try_get("proved_at")?,
                    seen_at: row.try_get("seen_at")?,
                    wins_at: row.try_get("wins_at")?,
                    lost_at: row.try_get("lost_at")?,
                    lost_to: row.try_get("lost_to")?,
                    operation_since: row.try_get("operation_since")?,
                })
            })
            .collect()
    }

    /// Takes the domain from this instance, if it has it: it goes to the next one that proves it. `false`: it has not.
    ///
    /// # Errors
    /// Database errors; then nothing was written.
    pub async fn release(&self, instance: &str, domain: &str) -> Result<bool, StoreError> {
        let (released, ended) = self
            .in_transaction("release", async |tx| {
                lock_instance(tx, instance).await?;
                let has = Statement::new(
                    "release-lock",
                    "select 1 from claims where instance_id = $1 and domain = $2 and proved for update",
                )
                .optional(tx, &[&instance, &domain])
                .await?;
                match has {
                    None => Ok((false, None)),
                    Some(_) => Ok((true, lose(tx, instance, domain, None).await?)),
                }
            })
            .await?;
        if let Some(ended) = ended {
            ended.count();
        }
        Ok(released)
    }
}
