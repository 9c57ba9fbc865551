//! ACME accounts: one per tenant and CA, so that a standing dns-persist-01 record trusts one tenant only.

use secrecy::{ExposeSecret, SecretBox};
use tokio_postgres::Row;

use crate::connection::Store;
use crate::error::StoreError;
use crate::rollovers::NextKey;
use crate::sealing::{KeyRing, Place};
use crate::statement::Statement;

/// A tenant's ACME account.
#[derive(Debug)]
pub struct Account {
    /// Its private key, PKCS #8 DER.
    pub key: SecretBox<Vec<u8>>,
    /// How often its key was changed. What was computed with the key carries this number.
    pub key_generation: i32,
    /// Within the last minute the CA was asked to change the key, or the change was recorded. Some of the CA's machines
    /// may accept the old key a little longer, and the new one a little later.
    pub key_unsettled: bool,
    /// The key that the CA was asked, or will be asked, to accept as the replacement. Only the CA knows whether it did.
    pub next_key: Option<NextKey>,
    /// The account URL at the CA, once the account is registered.
    pub account_uri: Option<String>,
    /// RFC 7638 thumbprints of the account's earlier keys, the newest first.
    pub earlier_thumbprints: Vec<String>,
}

const ACCOUNT_COLUMNS: &str = "tenant, directory_url, sealed_key, key_generation, next_sealed_key, account_uri, earlier_thumbprints, \
     coalesce(greatest(key_changed_at, rollover_tried_at) > clock_timestamp() - interval '1 minute', false) as key_unsettled";

fn account_from(ring: &KeyRing, row: &Row) -> Result<Account, StoreError> {
    let (tenant, directory_url): (&str, &str) = (row.try_get("tenant")?, row.try_get("directory_url")?);
    let next: Option<Vec<u8>> = row.try_get("next_sealed_key")?;
    Ok(Account {
        key: ring.open(&Place::account_key(tenant, directory_url), row.try_get("sealed_key")?)?,
        key_generation: row.try_get("key_generation")?,
        key_unsettled: row.try_get("key_unsettled")?,
        next_key: next
            .map(|sealed| NextKey::open(ring, tenant, directory_url, sealed))
            .transpose()?,
        account_uri: row.try_get("account_uri")?,
        earlier_thumbprints: row.try_get("earlier_thumbprints")?,
    })
}

impl Store {
    /// The tenant's account at this CA. If there is none yet, it is created with `fresh_key`; two concurrent callers
    /// both get the same key, and the CA answers the same key with the same account (RFC 8555 §7.3.1).
    ///
    /// # Errors
    /// Database errors; a sealing key that is missing.
    pub async fn account(
        &self,
        ring: &KeyRing,
        tenant: &str,
        directory_url: &str,
        fresh_key: &SecretBox<Vec<u8>>,
    ) -> Result<Account, StoreError> {
        let sealed = ring.seal(&Place::account_key(tenant, directory_url), fresh_key.expose_secret())?;
        Statement::new(
            "account-make",
            "insert into acme_accounts (tenant, directory_url, sealed_key) values ($1, $2, $3) on conflict do nothing",
        )
        .run(&self.client().await?, &[&tenant, &directory_url, &sealed])
        .await?;
        let known = self.known_account(ring, tenant, directory_url).await?;
        known.ok_or_else(|| StoreError::Unreadable(format!("the ACME account of {tenant} was deleted at this moment")))
    }

    /// The tenant's current account at this CA, if it has one.
    ///
    /// # Errors
    /// Database errors; a sealing key that is missing.
    pub async fn known_account(
        &self,
        ring: &KeyRing,
        tenant: &str,
        directory_url: &str,
    ) -> Result<Option<Account>, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "account-read",
            format!("select {ACCOUNT_COLUMNS} from acme_accounts where tenant = $1 and directory_url = $2"),
        )
        .optional(&client, &[&tenant, &directory_url])
        .await?;
        row.map(|row| account_from(ring, &row)).transpose()
    }

    /// The newest account registered at this CA, preferring one whose key is not being changed; `None` if there is none
    /// yet.
    ///
    /// # Errors
    /// Database errors; a sealing key that is missing.
    pub async fn newest_account(&self, ring: &KeyRing, directory_url: &str) -> Result<Option<Account>, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "account-newest",
            format!(
                "select {ACCOUNT_COLUMNS} from acme_accounts where directory_url = $1 and account_uri is not null \
                 order by next_sealed_key is not null, created_at desc limit 1"
            ),
        )
        .optional(&client, &[&directory_url])
        .await?;
        row.map(|row| account_from(ring, &row)).transpose()
    }

    /// Records the account's URL, or clears it (`None`) when the CA no longer knows the account: the replacement
    /// account never had the earlier keys.
    ///
    /// # Errors
    /// Database errors.
    pub async fn set_account_uri(
        &self,
        tenant: &str,
        directory_url: &str,
        account_uri: Option<&str>,
    ) -> Result<(), StoreError> {
        let client = self.client().await?;
        Statement::new(
            "account-set-uri",
            "update acme_accounts set account_uri = $3, \
             earlier_thumbprints = case when $3::text is null then '{}' else earlier_thumbprints end \
             where tenant = $1 and directory_url = $2",
        )
        .run(&client, &[&tenant, &directory_url, &account_uri])
        .await?;
        Ok(())
    }
}
