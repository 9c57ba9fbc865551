//! ACME accounts: one per tenant and CA, so that a standing dns-persist-01 record trusts one tenant only.

use secrecy::{ExposeSecret, SecretBox};

use crate::connection::Store;
use crate::error::StoreError;
use crate::sealing::KeyRing;

/// A tenant's ACME account.
#[derive(Debug)]
pub struct Account {
    /// Its private key, PKCS #8 DER.
    pub key: SecretBox<Vec<u8>>,
    /// Its URL at the CA, once registered.
    pub account_uri: Option<String>,
}

pub(crate) fn context(tenant: &str) -> String {
    format!("acme account {tenant}")
}

impl Store {
    /// The tenant's account at this CA. When there is none yet, `fresh_key` becomes its key; of two that try together
    /// both get the same one, and the CA answers the same key with the same account (RFC 8555 §7.3.1).
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
        let sealed = ring.seal(&context(tenant), fresh_key.expose_secret())?;
        let client = self.pool.get().await?;
        client
            .execute(
                "insert into acme_accounts (tenant, directory_url, sealed_key) values ($1, $2, $3) on conflict do nothing",
                &[&tenant, &directory_url, &sealed],
            )
            .await?;
        let row = client
            .query_one(
                "select sealed_key, account_uri from acme_accounts where tenant = $1 and directory_url = $2",
                &[&tenant, &directory_url],
            )
            .await?;
        Ok(Account {
            key: ring.open(&context(tenant), row.try_get("sealed_key")?)?,
            account_uri: row.try_get("account_uri")?,
        })
    }

    /// Some account that is registered at this CA, the newest; `None` when there is none yet.
    ///
    /// # Errors
    /// Database errors; a sealing key that is missing.
    pub async fn newest_account(&self, ring: &KeyRing, directory_url: &str) -> Result<Option<Account>, StoreError> {
        let client = self.pool.get().await?;
        let row = client
            .query_opt(
                "select tenant, sealed_key, account_uri from acme_accounts \
                 where directory_url = $1 and account_uri is not null order by created_at desc limit 1",
                &[&directory_url],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let tenant: String = row.try_get("tenant")?;
        Ok(Some(Account {
            key: ring.open(&context(&tenant), row.try_get("sealed_key")?)?,
            account_uri: row.try_get("account_uri")?,
        }))
    }

    /// Writes down the account's URL, or forgets it (`None`) when the CA no longer knows the account.
    ///
    /// # Errors
    /// Database errors.
    pub async fn set_account_uri(
        &self,
        tenant: &str,
        directory_url: &str,
        account_uri: Option<&str>,
    ) -> Result<(), StoreError> {
        let client = self.pool.get().await?;
        client
            .execute(
                "update acme_accounts set account_uri = $3 where tenant = $1 and directory_url = $2",
                &[&tenant, &directory_url, &account_uri],
            )
            .await?;
        Ok(())
    }
}
