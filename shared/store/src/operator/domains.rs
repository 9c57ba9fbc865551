//! Who has a domain and who requests it, and releasing it from an instance.

use serde::Serialize;
use time::OffsetDateTime;

use crate::audit::{Acting, Action, Entry};
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
    /// The instance's tenant.
    pub tenant: String,
    /// `has`, `asks`, `lost`, `being-removed` or `not-created`.
    pub state: String,
    /// It has the domain, but the certificate that it proved it for has expired: the next instance that proves the
    /// domain gets it at once.
    pub lapsed: bool,
    /// Since when it requests the domain.
    #[serde(with = "time::serde::rfc3339")]
    pub asked_at: OffsetDateTime,
    /// When it last proved it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub proved_at: Option<OffsetDateTime>,
    /// When its proof was last seen in place.
    #[serde(with = "time::serde::rfc3339::option")]
    pub seen_at: Option<OffsetDateTime>,
    /// Since when nothing proves it any more, though it has it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub proof_gone_at: Option<OffsetDateTime>,
    /// It proves the domain and the instance that has it does not: from this time on the domain belongs to it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub wins_at: Option<OffsetDateTime>,
    /// When it lost it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub lost_at: Option<OffsetDateTime>,
    /// To which instance; none when an operator released the domain.
    pub lost_to: Option<String>,
    /// When its newest operation was requested: for `being-removed`, since when it is being removed.
    #[serde(with = "time::serde::rfc3339")]
    pub operation_since: OffsetDateTime,
}

impl Store {
    /// The claims to this domain, or to all: the instance that has it first, then those that request it.
    ///
    /// # Errors
    /// Database errors.
    pub async fn domain_lines(&self, domain: Option<&str>) -> Result<Vec<DomainLine>, StoreError> {
        let client = self.client().await?;
        let rows = Statement::new(
            "operator-domains",
            format!(
                "select h.domain, h.instance_id, h.tenant, h.state, h.state = 'has' and not {STANDS} as lapsed, \
                 h.asked_at, h.proved_at, h.seen_at, h.wins_at, h.lost_at, h.lost_to, h.operation_since, c.proof_gone_at \
                 from claim_states h join claims c on c.instance_id = h.instance_id and c.domain = h.domain \
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
                    proof_gone_at: row.try_get("proof_gone_at")?,
                    wins_at: row.try_get("wins_at")?,
                    lost_at: row.try_get("lost_at")?,
                    lost_to: row.try_get("lost_to")?,
                    operation_since: row.try_get("operation_since")?,
                })
            })
            .collect()
    }
}

impl Acting<'_> {
    /// Releases the domain from this instance if it has it: the next instance that proves it gets it. `false`: it does
    /// not have it.
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
                    Some(_) => {
                        let ended = lose(tx, instance, domain, None).await?;
                        let entry = Entry {
                            instance: Some(instance),
                            subject: Some(domain),
                            ..Entry::of(Action::Release)
                        };
                        self.note(tx, entry).await?;
                        Ok((true, ended))
                    }
                }
            })
            .await?;
        if let Some(ended) = ended {
            ended.count();
        }
        Ok(released)
    }
}
