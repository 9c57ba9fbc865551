//! Account key rollover (RFC 8555 §7.3.5). The next key is recorded before the CA is asked, and replaces the current
//! key once the CA is known to have accepted it: a crash in between loses nothing.
//!
//! No lock is held while the CA is asked. Every process asks for the one next key in the row, and every change of the
//! row names the key that it is about, so that the slower of several processes change nothing.

use std::fmt;

use secrecy::{ExposeSecret, SecretBox};

use crate::connection::Store;
use crate::error::StoreError;
use crate::sealing::{KeyRing, Place};
use crate::statement::Statement;

/// This many thumbprints of an account's earlier keys are kept: a CA keeps all, and each allows two more values that a
/// record may have.
const MOST_THUMBPRINTS: i32 = 20;

/// A key that is to replace an account's current key.
pub struct NextKey {
    /// The private key, PKCS #8 DER.
    pub key: SecretBox<Vec<u8>>,
    /// The sealed key as in the row: changes of the row are about this key and no other.
    sealed: Vec<u8>,
    /// The same key, sealed for the column that it moves to once the CA has accepted it.
    promoted: Vec<u8>,
}

impl fmt::Debug for NextKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NextKey").finish_non_exhaustive()
    }
}

impl NextKey {
    pub(crate) fn open(ring: &KeyRing, tenant: &str, directory_url: &str, sealed: Vec<u8>) -> Result<Self, StoreError> {
        let key = ring.open(&Place::next_account_key(tenant, directory_url), &sealed)?;
        let promoted = ring.seal(&Place::account_key(tenant, directory_url), key.expose_secret())?;
        Ok(Self { key, sealed, promoted })
    }
}

/// An account whose key change an operator has requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The account's tenant.
    pub tenant: String,
    /// The CA's directory.
    pub directory_url: String,
    /// The account's URL there, which does not change.
    pub account_uri: String,
}

impl Store {
    /// Accounts whose key is to be changed: those that were not tried yet first, then those that were tried longest
    /// ago.
    ///
    /// # Errors
    /// Database errors.
    pub async fn wanted_rollovers(&self) -> Result<Vec<Wanted>, StoreError> {
        let client = self.client().await?;
        let rows = Statement::new(
            "rollovers-wanted",
            "select tenant, directory_url, account_uri from acme_accounts \
             where rollover_asked_at is not null and account_uri is not null \
             order by rollover_tried_at nulls first, rollover_asked_at, tenant",
        )
        .all(&client, &[])
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Wanted {
                    tenant: row.try_get("tenant")?,
                    directory_url: row.try_get("directory_url")?,
                    account_uri: row.try_get("account_uri")?,
                })
            })
            .collect()
    }

    /// The account's key, and the key that is to replace it: `fresh_key` unless there is one already, so that two
    /// concurrent callers both get the same key. `None` when the change is no longer requested.
    ///
    /// # Errors
    /// Database errors; a sealing key that is missing.
    pub async fn next_account_key(
        &self,
        ring: &KeyRing,
        wanted: &Wanted,
        fresh_key: &SecretBox<Vec<u8>>,
    ) -> Result<Option<(SecretBox<Vec<u8>>, NextKey)>, StoreError> {
        let (tenant, directory_url) = (wanted.tenant.as_str(), wanted.directory_url.as_str());
        let next_place = Place::next_account_key(tenant, directory_url);
        let fresh = ring.seal(&next_place, fresh_key.expose_secret())?;
        let client = self.client().await?;
        let row = Statement::new(
            "rollover-next-key",
            "update acme_accounts set next_sealed_key = coalesce(next_sealed_key, $4), \
             next_key_at = coalesce(next_key_at, clock_timestamp()), rollover_tried_at = clock_timestamp() \
             where tenant = $1 and directory_url = $2 and account_uri = $3 and rollover_asked_at is not null \
             returning sealed_key, next_sealed_key",
        )
        .optional(
            &client,
            &[&wanted.tenant, &wanted.directory_url, &wanted.account_uri, &fresh],
        )
        .await?;
        let Some(row) = row else { return Ok(None) };
        let current = ring.open(&Place::account_key(tenant, directory_url), row.try_get("sealed_key")?)?;
        let next = NextKey::open(ring, tenant, directory_url, row.try_get("next_sealed_key")?)?;
        Ok(Some((current, next)))
    }

    /// The CA has accepted the next key: from now on it is the account's key, and the request is fulfilled unless it
    /// was made after that key was. `thumbprint` is that of the previous key.
    ///
    /// `false` when that is no longer the next key: another process has replaced or re-sealed it.
    ///
    /// # Errors
    /// Database errors; then nothing was changed.
    pub async fn promote_next_key(
        &self,
        tenant: &str,
        directory_url: &str,
        account_uri: &str,
        next: &NextKey,
        thumbprint: Option<&str>,
    ) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let changed = Statement::new(
            "rollover-promote",
            "update acme_accounts set sealed_key = $5, next_sealed_key = null, next_key_at = null, \
             key_generation = key_generation + 1, key_changed_at = clock_timestamp(), account_uri = $3, \
             earlier_thumbprints = (array_remove(array[$6::text], null) || earlier_thumbprints)[1:$7], \
             rollover_asked_at = case when rollover_asked_at > next_key_at then rollover_asked_at end, \
             rollover_problem = null \
             where tenant = $1 and directory_url = $2 and coalesce(account_uri, $3) = $3 and next_sealed_key = $4",
        )
        .run(
            &client,
            &[
                &tenant,
                &directory_url,
                &account_uri,
                &next.sealed,
                &next.promoted,
                &thumbprint,
                &MOST_THUMBPRINTS,
            ],
        )
        .await?;
        Ok(changed == 1)
    }

    /// The CA has another account with the next key, and still knows this account by its current key: a different next
    /// key has to be created.
    ///
    /// # Errors
    /// Database errors.
    pub async fn drop_next_key(&self, wanted: &Wanted, next: &NextKey) -> Result<(), StoreError> {
        let client = self.client().await?;
        Statement::new(
            "rollover-drop",
            "update acme_accounts set next_sealed_key = null, next_key_at = null \
             where tenant = $1 and directory_url = $2 and next_sealed_key = $3",
        )
        .run(&client, &[&wanted.tenant, &wanted.directory_url, &next.sealed])
        .await?;
        Ok(())
    }

    /// Records why the change is not done yet; the request stays.
    ///
    /// # Errors
    /// Database errors.
    pub async fn set_rollover_problem(&self, wanted: &Wanted, problem: &str) -> Result<(), StoreError> {
        let client = self.client().await?;
        Statement::new(
            "rollover-problem",
            "update acme_accounts set rollover_problem = $3, rollover_tried_at = clock_timestamp() \
             where tenant = $1 and directory_url = $2 and rollover_asked_at is not null",
        )
        .run(&client, &[&wanted.tenant, &wanted.directory_url, &problem])
        .await?;
        Ok(())
    }
}
