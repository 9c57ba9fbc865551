//! ACME accounts, and requests to change their keys.

use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;
use tokio_postgres::Row;

use crate::audit::{Acting, Action, Entry};
use crate::connection::Store;
use crate::error::StoreError;
use crate::orders::CHALLENGES;
use crate::statement::Statement;

/// An account at a CA, without its key.
#[derive(Debug, Clone, Serialize)]
pub struct AccountLine {
    /// The account's tenant.
    pub tenant: String,
    /// The CA's directory.
    pub directory_url: String,
    /// The account's URL at the CA, once it is registered.
    pub account_uri: Option<String>,
    /// When its first key was created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When its key was last changed.
    #[serde(with = "time::serde::rfc3339::option")]
    pub key_changed_at: Option<OffsetDateTime>,
    /// Since when a change of its key has been requested.
    #[serde(with = "time::serde::rfc3339::option")]
    pub rollover_asked_at: Option<OffsetDateTime>,
    /// Why the key has not been changed yet.
    pub rollover_problem: Option<String>,
    /// The database's time of the answer.
    #[serde(with = "time::serde::rfc3339")]
    pub read_at: OffsetDateTime,
}

const COLUMNS: &str = "tenant, directory_url, account_uri, created_at, key_changed_at, rollover_asked_at, \
     rollover_problem, clock_timestamp() as read_at";

impl Store {
    /// The accounts of these tenants, or all.
    ///
    /// # Errors
    /// Database errors.
    pub async fn account_lines(&self, tenants: Option<&[String]>) -> Result<Vec<AccountLine>, StoreError> {
        let client = self.client().await?;
        Statement::new(
            "operator-accounts",
            format!(
                "select {COLUMNS} from acme_accounts where $1::text[] is null or tenant = any($1) order by tenant, \
                 directory_url"
            ),
        )
        .all(&client, &[&tenants])
        .await?
        .iter()
        .map(line_from)
        .collect()
    }

    /// How many accounts of these tenants, or of all, have had standing records that are derived from the account's
    /// key.
    ///
    /// # Errors
    /// Database errors.
    pub async fn accounts_in_hashed_records(&self, tenants: Option<&[String]>) -> Result<i64, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "operator-hashed-records",
            "select count(*) from acme_accounts a where ($1::text[] is null or a.tenant = any($1)) \
             and a.account_uri in \
             (select r.account_uri from orders r join authorizations z on z.order_id = r.id \
               where {challenges} #>> '{offered,dns-persist-01,form}' = 'hashed')",
        )
        .with("challenges", CHALLENGES)
        .one(&client, &[&tenants])
        .await?;
        Ok(row.try_get(0)?)
    }
}

impl Acting<'_> {
    /// Records that the keys of these tenants' accounts, or of all, are to be changed. A key created from now on
    /// fulfils the request, an older one does not. Returns the accounts, without those that are not registered at any
    /// CA yet.
    ///
    /// # Errors
    /// Database errors.
    pub async fn ask_for_rollovers(&self, tenants: Option<&[String]>) -> Result<Vec<AccountLine>, StoreError> {
        let rows = self
            .in_transaction("ask-rollovers", async |tx| {
                let rows = Statement::new(
                    "operator-ask-rollovers",
                    format!(
                        "update acme_accounts set rollover_asked_at = clock_timestamp(), rollover_problem = null \
                         where account_uri is not null and ($1::text[] is null or tenant = any($1)) returning {COLUMNS}"
                    ),
                )
                .all(tx, &[&tenants])
                .await?;
                if !rows.is_empty() {
                    let whose = tenants.map_or_else(|| "all tenants".to_owned(), |tenants| tenants.join(", "));
                    let entry = Entry {
                        subject: Some(&whose),
                        details: json!({"accounts": rows.len()}),
                        ..Entry::of(Action::Rollover)
                    };
                    self.note(tx, entry).await?;
                }
                Ok(rows)
            })
            .await?;
        let mut lines = rows.iter().map(line_from).collect::<Result<Vec<_>, StoreError>>()?;
        lines.sort_by(|a, b| (&a.tenant, &a.directory_url).cmp(&(&b.tenant, &b.directory_url)));
        Ok(lines)
    }
}

fn line_from(row: &Row) -> Result<AccountLine, StoreError> {
    Ok(AccountLine {
        tenant: row.try_get("tenant")?,
        directory_url: row.try_get("directory_url")?,
        account_uri: row.try_get("account_uri")?,
        created_at: row.try_get("created_at")?,
        key_changed_at: row.try_get("key_changed_at")?,
        rollover_asked_at: row.try_get("rollover_asked_at")?,
        rollover_problem: row.try_get("rollover_problem")?,
        read_at: row.try_get("read_at")?,
    })
}
