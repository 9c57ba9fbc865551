//! The links to status pages. An instance has one at a time, by its number; it opens the page until it is replaced or revoked, the
//! instance is removed, or nobody has used it for its lifetime. A row is written once a day at most, however often it is read.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;
use tokio_postgres::Row;

use crate::audit::{Acting, Action, Entry};
use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::{Statement, statement};
use crate::steps::as_millis;

/// An instance's link, for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PageLink {
    /// What the link is signed for.
    pub number: i32,
    /// When it ends, unless it is used before.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// When it was used last, give or take a day.
    #[serde(with = "time::serde::rfc3339::option")]
    pub used_at: Option<OffsetDateTime>,
    /// When it was revoked, if it was.
    #[serde(with = "time::serde::rfc3339::option")]
    pub revoked_at: Option<OffsetDateTime>,
}

impl Store {
    /// The number of the instance's link, which is made if there is none, and is alive for this long from now, or a day less.
    /// `None`: the instance is unknown or removed, or its link was revoked.
    ///
    /// # Errors
    /// Database errors.
    pub async fn renewed_page_link(&self, instance: &str, lifetime: Duration) -> Result<Option<i32>, StoreError> {
        let client = self.client().await?;
        let row = statement!("page-link-renew")
            .optional(&client, &[&instance, &as_millis(lifetime)])
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Whether the link with this number opens the instance's page: the database's time if it does. The first use of a day is noted, and
    /// the link then lasts for its lifetime from now.
    ///
    /// # Errors
    /// Database errors.
    pub async fn page_link_opens(
        &self,
        instance: &str,
        number: i32,
        lifetime: Duration,
    ) -> Result<Option<OffsetDateTime>, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "page-link-open",
            "select coalesce(l.used_at < now() - interval '1 day', true), now() \
             from page_links l join instances i on i.id = l.instance_id \
             where l.instance_id = $1 and l.number = $2 and l.revoked_at is null and l.expires_at > now() \
             and i.deleted_at is null",
        )
        .optional(&client, &[&instance, &number])
        .await?;
        let Some(row) = row else { return Ok(None) };
        if row.try_get(0)? {
            Statement::new(
                "page-link-used",
                "update page_links set used_at = now(), \
                 expires_at = greatest(expires_at, now() + $3 * interval '1 millisecond') \
                 where instance_id = $1 and number = $2 and revoked_at is null",
            )
            .run(&client, &[&instance, &number, &as_millis(lifetime)])
            .await?;
        }
        Ok(Some(row.try_get(1)?))
    }

    /// The instance's link, dead or alive, if one was ever made.
    ///
    /// # Errors
    /// Database errors.
    pub async fn page_link(&self, instance: &str) -> Result<Option<PageLink>, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "page-link",
            "select number, expires_at, used_at, revoked_at from page_links where instance_id = $1",
        )
        .optional(&client, &[&instance])
        .await?;
        row.map(|row| link_from(&row)).transpose()
    }
}

impl Acting<'_> {
    /// Gives the instance another link, which ends the one before it. `None`: it is unknown or removed.
    ///
    /// # Errors
    /// Database errors.
    pub async fn new_page_link(&self, instance: &str, lifetime: Duration) -> Result<Option<PageLink>, StoreError> {
        self.in_transaction("page-link-new", async |tx| {
            let row = Statement::new(
                "page-link-new",
                "insert into page_links (instance_id, expires_at) \
                 select id, now() + $2 * interval '1 millisecond' from instances where id = $1 and deleted_at is null \
                 on conflict (instance_id) do update set number = page_links.number + 1, \
                   expires_at = excluded.expires_at, used_at = null, revoked_at = null \
                 returning number, expires_at, used_at, revoked_at",
            )
            .optional(tx, &[&instance, &as_millis(lifetime)])
            .await?;
            let Some(row) = row else { return Ok(None) };
            let link = link_from(&row)?;
            let entry = Entry {
                instance: Some(instance),
                details: json!({"number": link.number}),
                ..Entry::of(Action::NewLink)
            };
            self.note(tx, entry).await?;
            Ok(Some(link))
        })
        .await
    }

    /// Revokes the instance's link: there is none from now on, until an operator gives it another. `None`: it is unknown or
    /// removed.
    ///
    /// # Errors
    /// Database errors.
    pub async fn revoke_page_link(&self, instance: &str) -> Result<Option<PageLink>, StoreError> {
        self.in_transaction("page-link-revoke", async |tx| {
            let row = Statement::new(
                "page-link-revoke",
                "insert into page_links (instance_id, expires_at, revoked_at) \
                 select id, now(), now() from instances where id = $1 and deleted_at is null \
                 on conflict (instance_id) do update set revoked_at = coalesce(page_links.revoked_at, now()) \
                 returning number, expires_at, used_at, revoked_at, revoked_at = now() as is_new",
            )
            .optional(tx, &[&instance])
            .await?;
            let Some(row) = row else { return Ok(None) };
            let link = link_from(&row)?;
            if row.try_get("is_new")? {
                let entry = Entry {
                    instance: Some(instance),
                    details: json!({"number": link.number}),
                    ..Entry::of(Action::RevokeLink)
                };
                self.note(tx, entry).await?;
            }
            Ok(Some(link))
        })
        .await
    }
}

fn link_from(row: &Row) -> Result<PageLink, StoreError> {
    Ok(PageLink {
        number: row.try_get("number")?,
        expires_at: row.try_get("expires_at")?,
        used_at: row.try_get("used_at")?,
        revoked_at: row.try_get("revoked_at")?,
    })
}
